/**
 * Where the browser can read the text message (WebOTP), it fills the code in; the customer still presses the button.
 * The last line of the message binds it to this host, so no other page is offered it.
 */
const field = document.querySelector("#code[data-channel=sms]");
if (field && "OTPCredential" in globalThis) {
    const stop = new AbortController();
    field.form.addEventListener("submit", () => stop.abort());
    navigator.credentials
        .get({ otp: { transport: ["sms"] }, signal: stop.signal })
        .then((found) => (field.value = found.code))
        .catch(() => {
            // Refused or timed out: the code is typed.
        });
}
