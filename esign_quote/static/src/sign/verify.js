import { sha256 } from "./hash";

/**
 * Compute the fingerprint of a file of the visitor and ask what is known of it; the file is sent nowhere.
 *
 * @param {HTMLFormElement} form
 */
async function ask(form) {
    const [file] = form.querySelector("input[type=file]").files;
    const outcome = form.querySelector(".o_esign_outcome");
    const question = (form.question = {});
    const show = (...nodes) => {
        // A slow answer must not stand under the file that was chosen after it.
        if (form.question === question) {
            outcome.replaceChildren(...nodes);
        }
    };
    const say = (text) => {
        const line = document.createElement("p");
        line.className = "o_esign_verdict";
        line.textContent = text;
        show(line);
    };
    if (!file) {
        show();
        return;
    }
    say(form.dataset.working);
    try {
        const hash = await sha256(await file.arrayBuffer());
        if (!hash) {
            say(form.dataset.unable);
            return;
        }
        const data = new URLSearchParams({ sha256: hash });
        for (const name of ["csrf_token", "reference"]) {
            data.set(name, form.elements[name] ? form.elements[name].value : "");
        }
        const response = await fetch("/esign/verify/hash", { method: "POST", body: data });
        const { html } = await response.json();
        // Of our own server, which escaped whatever it quotes.
        show(document.createRange().createContextualFragment(html));
    } catch {
        say(form.dataset.failed);
    }
}

/**
 * Let a file be dropped anywhere on the page: missing the field would open it in the browser.
 *
 * @param {HTMLFormElement} form
 */
function watchFile(form) {
    const field = form.querySelector("input[type=file]");
    const area = form.querySelector(".o_esign_drop");
    field.addEventListener("change", () => ask(form));
    document.addEventListener("dragover", (ev) => {
        ev.preventDefault();
        area.classList.add("o_esign_drop_over");
    });
    document.addEventListener("dragleave", () => area.classList.remove("o_esign_drop_over"));
    document.addEventListener("drop", (ev) => {
        ev.preventDefault();
        area.classList.remove("o_esign_drop_over");
        if (ev.dataTransfer.files.length) {
            field.files = ev.dataTransfer.files;
            ask(form);
        }
    });
}

document.querySelectorAll("form.o_esign_verify").forEach(watchFile);
