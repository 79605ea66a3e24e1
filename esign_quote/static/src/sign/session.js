/**
 * The session ends when nothing happens for a quarter of an hour, and after an hour in any case.
 * This says so before, tells the server that somebody is at it, and keeps what is filled in.
 */
const PING_EVERY = 60; // seconds between two signs of life
const WARN_IDLE = 120; // seconds before the end of an idle session
const WARN_ABSOLUTE = 120;

class Session {
    constructor(box) {
        this.box = box;
        this.text = box.querySelector("#session_text");
        this.pinged = this.now();
        this.active = false;
        this.set(box.dataset.idle, box.dataset.absolute);
        for (const kind of ["pointerdown", "keydown", "wheel", "touchmove", "scroll", "input"]) {
            document.addEventListener(kind, () => (this.active = true), { passive: true, capture: true });
        }
        box.querySelector(".o_esign_stay").addEventListener("click", () => this.stay());
        globalThis.setInterval(() => this.tick(), 1000);
    }

    now() {
        return Date.now() / 1000;
    }

    /** Both in seconds from the last sign of life: an answer may be long on its way, or find a sleeping phone. */
    set(idle, absolute) {
        this.idleEnd = this.pinged + Number(idle);
        this.absoluteEnd = this.pinged + Number(absolute);
    }

    tick() {
        const now = this.now();
        if (now >= Math.min(this.idleEnd, this.absoluteEnd)) {
            this.end();
        } else if (this.absoluteEnd - now < WARN_ABSOLUTE) {
            this.save();
            this.warn(this.box.dataset.over, this.absoluteEnd - now, false);
        } else if (this.active && now - this.pinged > PING_EVERY) {
            this.stay();
        } else if (this.idleEnd - now < WARN_IDLE) {
            this.warn(this.box.dataset.ending, this.idleEnd - now, true);
        }
    }

    warn(sentence, seconds, mayStay) {
        this.box.querySelector(".o_esign_stay").hidden = !mayStay;
        const text = sentence.replace("{minutes}", Math.max(1, Math.ceil(seconds / 60)));
        if (this.box.hidden || this.text.textContent !== text) {
            this.text.textContent = text;
            this.box.hidden = false;
        }
    }

    /** What is filled in goes along, so that it is there again behind the next code. */
    form() {
        const form = document.querySelector("form.o_esign_keep");
        const data = form ? new URLSearchParams(new FormData(form)) : new URLSearchParams();
        data.set("csrf_token", this.box.dataset.csrf);
        return data;
    }

    save() {
        if (!this.saved) {
            this.saved = true;
            this.stay();
        }
    }

    async stay() {
        this.active = false;
        this.pinged = this.now();
        try {
            const answer = await fetch(this.box.dataset.stay, { method: "POST", body: this.form() });
            if (answer.ok) {
                const { idle, absolute } = await answer.json();
                this.set(idle, absolute);
                this.box.hidden = true;
                this.tick();
            }
        } catch {
            // Off-line for a moment: the next sign of life tries again.
        }
    }

    end() {
        // The address of the session without its step: the page asks for a new code.
        globalThis.location.replace(this.box.dataset.page);
    }
}

const box = document.querySelector(".o_esign_session");
if (box) {
    new Session(box);
}
