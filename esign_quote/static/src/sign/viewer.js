import { sha256 } from "./hash";

const PDFJS = "/web/static/lib/pdfjs/build/pdf.js";
const PDFJS_WORKER = "/web/static/lib/pdfjs/build/pdf.worker.js";
const MAX_SCALE = 2.5;

/**
 * Draws the frozen file page by page with Odoo's PDF.js, and tells the server, with the hash
 * of the very bytes that it draws, once the last page was on the screen.
 */
class Viewer {
    constructor(element) {
        this.element = element;
        this.options = element.dataset;
        this.pages = element.querySelector(".o_esign_pages");
        this.number = element.querySelector(".o_esign_page_number");
        this.toEnd = element.querySelector(".o_esign_to_end");
    }

    async start() {
        this.element
            .querySelector(".o_esign_download")
            .addEventListener("submit", () => setTimeout(() => this.enable(), 0));
        try {
            await this.load();
        } catch (error) {
            // An old browser, no memory, a broken connection: the file can still be had.
            console.warn("esign_quote: the viewer gave up", error);
            this.say(this.options.failed);
            this.pages.replaceChildren();
        }
    }

    async load() {
        const answer = await fetch(this.options.file, { credentials: "same-origin" });
        if (!answer.ok) {
            throw new Error(`HTTP ${answer.status}`);
        }
        const bytes = await answer.arrayBuffer();
        // Hashed before it is drawn: PDF.js takes the buffer over.
        this.hash = await sha256(bytes);
        const pdfjs = await import(PDFJS);
        pdfjs.GlobalWorkerOptions.workerSrc = PDFJS_WORKER;
        this.document = await pdfjs.getDocument({
            data: bytes,
            isEvalSupported: false,
            enableXfa: false,
        }).promise;
        if (!this.hash) {
            this.say(this.options.failed);
        }
        await this.layOut();
    }

    /** Make a frame of the right shape for each page, drawn when it comes into sight. */
    async layOut() {
        const first = (await this.document.getPage(1)).getViewport({ scale: 1 });
        const frames = [];
        for (let index = 1; index <= this.document.numPages; index++) {
            const frame = document.createElement("div");
            frame.className = "o_esign_sheet";
            frame.dataset.page = index;
            const canvas = document.createElement("canvas");
            // Until it is drawn, a page is as high as the first one.
            canvas.width = Math.round(first.width);
            canvas.height = Math.round(first.height);
            canvas.setAttribute("role", "img");
            canvas.setAttribute("aria-label", this.label(index));
            frame.append(canvas);
            frames.push(frame);
        }
        this.pages.replaceChildren(...frames);
        this.show(1);
        this.toEnd.hidden = this.document.numPages < 2;
        this.toEnd.addEventListener("click", () => frames.at(-1).scrollIntoView({ block: "end" }));
        this.watch(frames);
    }

    watch(frames) {
        const near = new IntersectionObserver(
            (entries) => {
                for (const entry of entries.filter((item) => item.isIntersecting)) {
                    near.unobserve(entry.target);
                    this.draw(entry.target);
                }
            },
            { root: this.pages, rootMargin: "600px 0px" }
        );
        const seen = new IntersectionObserver(
            (entries) => {
                for (const entry of entries.filter((item) => item.isIntersecting)) {
                    this.show(Number(entry.target.dataset.page));
                }
            },
            { root: this.pages, threshold: 0.3 }
        );
        // The foot of the last page must have been on the screen, drawn.
        const end = document.createElement("div");
        end.className = "o_esign_end";
        frames.at(-1).append(end);
        const foot = new IntersectionObserver(
            (entries) => {
                if (entries.some((item) => item.isIntersecting)) {
                    foot.disconnect();
                    this.reachedEnd = true;
                    this.reportEnd();
                }
            },
            { threshold: 0 }
        );
        frames.forEach((frame) => {
            near.observe(frame);
            seen.observe(frame);
        });
        foot.observe(end);
    }

    async draw(frame) {
        const page = await this.document.getPage(Number(frame.dataset.page));
        const canvas = frame.querySelector("canvas");
        const shape = page.getViewport({ scale: 1 });
        const width = Math.max(frame.clientWidth, 320) * (globalThis.devicePixelRatio || 1);
        const viewport = page.getViewport({ scale: Math.min(width / shape.width, MAX_SCALE) });
        canvas.width = Math.round(viewport.width);
        canvas.height = Math.round(viewport.height);
        await page.render({ canvasContext: canvas.getContext("2d"), viewport }).promise;
        frame.dataset.drawn = "1";
        if (Number(frame.dataset.page) === this.document.numPages) {
            this.lastDrawn = true;
            this.reportEnd();
        }
    }

    async reportEnd() {
        if (!this.reachedEnd || !this.lastDrawn || this.reported || !this.hash) {
            return;
        }
        this.reported = true;
        const body = new URLSearchParams({ csrf_token: this.options.csrf, sha256: this.hash });
        const answer = await fetch(this.options.read, { method: "POST", body, credentials: "same-origin" });
        if (answer.ok) {
            this.enable();
        } else if (answer.status === 409) {
            this.say(this.options.mismatch);
        } else {
            this.reported = false;
        }
    }

    enable() {
        const next = document.querySelector(".o_esign_next");
        next.classList.remove("o_esign_disabled");
        next.removeAttribute("aria-disabled");
        document.querySelector(".o_esign_hint").hidden = true;
    }

    label(index) {
        return this.options.pageLabel.replace("{page}", index).replace("{pages}", this.document.numPages);
    }

    show(index) {
        this.number.textContent = this.label(index);
    }

    say(text) {
        const message = this.element.querySelector(".o_esign_viewer_message");
        message.textContent = text;
        message.hidden = false;
    }
}

document.querySelectorAll(".o_esign_viewer").forEach((element) => new Viewer(element).start());
