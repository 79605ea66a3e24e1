/**
 * Forms that must be sent once: a second click on the way does nothing.
 * The server would refuse it anyway; this spares the customer the answer to the wrong one.
 *
 * @param {HTMLFormElement} form
 */
function sendOnce(form) {
    form.addEventListener("submit", (ev) => {
        if (form.dataset.sent) {
            ev.preventDefault();
            return;
        }
        form.dataset.sent = "1";
        const button = form.querySelector("button[type=submit]");
        button.setAttribute("aria-disabled", "true");
        if (button.dataset.busy) {
            button.textContent = button.dataset.busy;
        }
    });
}

/**
 * After "back", a page may come out of the browser's memory with its form marked as sent.
 */
function releaseForms() {
    for (const form of document.querySelectorAll("form[data-sent]")) {
        delete form.dataset.sent;
        form.querySelector("button[type=submit]").removeAttribute("aria-disabled");
    }
}

document.querySelectorAll("form.o_esign_once").forEach(sendOnce);
globalThis.addEventListener("pageshow", (ev) => ev.persisted && releaseForms());

// The error is what a screen reader and a thumb should meet first; where only one field can be
// meant, that field, which names the error as its description.
const alert = document.querySelector(".o_esign_alert_danger");
const field = document.querySelector("[aria-invalid=true][aria-describedby]");
if (field) {
    field.focus();
} else if (alert) {
    alert.setAttribute("tabindex", "-1");
    alert.focus();
}
