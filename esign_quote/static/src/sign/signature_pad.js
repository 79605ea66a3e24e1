const MAX_POINTS = 4500;
const INK = "#1b2a4a";

/**
 * A pad that keeps pen strokes as whole numbers; no pressure and no speed (they would be
 * biometric data). The strokes travel as JSON in a hidden field.
 */
class SignaturePad {
    constructor(form) {
        this.form = form;
        this.frame = form.querySelector(".o_esign_pad");
        this.canvas = form.querySelector(".o_esign_canvas");
        this.field = form.querySelector("input[name=strokes]");
        this.strokes = [];
        this.points = 0;
    }

    start() {
        this.canvas.addEventListener("pointerdown", (ev) => this.onDown(ev));
        this.canvas.addEventListener("pointermove", (ev) => this.onMove(ev));
        for (const type of ["pointerup", "pointercancel"]) {
            this.canvas.addEventListener(type, () => (this.stroke = null));
        }
        this.form.querySelector(".o_esign_clear").addEventListener("click", () => this.clear());
        for (const radio of this.form.querySelectorAll("input[name=kind]")) {
            radio.addEventListener("change", () => this.showKind());
        }
        this.form.querySelector("input[name=name]").addEventListener("input", () => this.showTyped());
        this.form.querySelector(".o_esign_needs_script").hidden = false;
        this.restore();
        this.showKind();
        this.showTyped();
    }

    get kind() {
        return this.form.querySelector("input[name=kind]:checked").value;
    }

    showKind() {
        const drawn = this.kind === "drawn";
        this.frame.hidden = !drawn;
        this.form.querySelector(".o_esign_typed").hidden = drawn;
        if (drawn) {
            this.resize();
        }
    }

    showTyped() {
        this.form.querySelector(".o_esign_typed").textContent =
            this.form.querySelector("input[name=name]").value;
    }

    /** Fit the bitmap to the screen once it is visible; what is drawn stays. */
    resize() {
        const box = this.canvas.getBoundingClientRect();
        const scale = globalThis.devicePixelRatio || 1;
        this.canvas.width = Math.round(box.width * scale);
        this.canvas.height = Math.round(box.height * scale);
        this.size = this.size || [Math.round(box.width), Math.round(box.height)];
        this.draw();
    }

    position(ev) {
        const box = this.canvas.getBoundingClientRect();
        return [
            Math.round(((ev.clientX - box.left) * this.size[0]) / box.width),
            Math.round(((ev.clientY - box.top) * this.size[1]) / box.height),
        ];
    }

    onDown(ev) {
        ev.preventDefault();
        this.canvas.setPointerCapture(ev.pointerId);
        this.stroke = [];
        this.strokes.push(this.stroke);
        this.add(ev);
    }

    onMove(ev) {
        if (this.stroke) {
            ev.preventDefault();
            this.add(ev);
        }
    }

    add(ev) {
        const point = this.position(ev);
        const last = this.stroke.at(-1);
        const moved = !last || Math.abs(last[0] - point[0]) + Math.abs(last[1] - point[1]) > 1;
        if (moved && this.points < MAX_POINTS) {
            this.stroke.push(point);
            this.points += 1;
            this.draw();
            this.field.value = JSON.stringify({
                w: this.size[0],
                h: this.size[1],
                strokes: this.strokes,
            });
        }
    }

    draw() {
        const pen = this.canvas.getContext("2d");
        pen.setTransform(this.canvas.width / this.size[0], 0, 0, this.canvas.height / this.size[1], 0, 0);
        pen.clearRect(0, 0, ...this.size);
        pen.strokeStyle = INK;
        pen.lineWidth = 2.2;
        pen.lineCap = pen.lineJoin = "round";
        for (const stroke of this.strokes.filter((points) => points.length)) {
            pen.beginPath();
            pen.moveTo(...stroke[0]);
            stroke.forEach((point) => pen.lineTo(...point));
            pen.stroke();
        }
    }

    clear() {
        this.strokes = [];
        this.points = 0;
        this.field.value = "";
        this.draw();
    }

    /** After a refusal by the server the drawing is still there. */
    restore() {
        try {
            const kept = JSON.parse(this.field.value);
            this.size = [kept.w, kept.h];
            this.strokes = kept.strokes;
            this.points = kept.strokes.flat().length;
        } catch {
            this.field.value = "";
        }
    }
}

document.querySelectorAll(".o_esign_sign_form").forEach((form) => new SignaturePad(form).start());
