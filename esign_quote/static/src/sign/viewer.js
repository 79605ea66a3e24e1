import { sha256 } from "./hash";

const PDFJS = "/web/static/lib/pdfjs/build/pdf.js";
const PDFJS_WORKER = "/web/static/lib/pdfjs/build/pdf.worker.js";
const MAX_SCALE = 2.5;
// Pixels of a drawn page: fine print stays legible when a phone enlarges it.
const LEAST_WIDTH = 1200;

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
        this.enlarge = element.querySelector(".o_esign_enlarge");
        // Frames that are drawn or being drawn, with what PDF.js does for them.
        this.tasks = new Map();
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
        // By POST: the journal tells that this browser got the file.
        const body = new URLSearchParams({ csrf_token: this.options.csrf });
        const answer = await fetch(this.options.file, { method: "POST", body, credentials: "same-origin" });
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

    /** Make a frame of the right shape for each page, drawn while it is in sight. */
    async layOut() {
        const first = (await this.document.getPage(1)).getViewport({ scale: 1 });
        const frames = [];
        for (let index = 1; index <= this.document.numPages; index++) {
            const frame = document.createElement("div");
            frame.className = "o_esign_sheet";
            frame.dataset.page = index;
            // Until it is drawn, a page is as high as the first one.
            frame.style.aspectRatio = `${first.width} / ${first.height}`;
            const canvas = document.createElement("canvas");
            canvas.setAttribute("role", "img");
            canvas.setAttribute("aria-label", this.label(index));
            frame.append(canvas);
            frames.push(frame);
        }
        this.pages.replaceChildren(...frames);
        this.show(1);
        this.toEnd.hidden = this.document.numPages < 2;
        this.toEnd.addEventListener("click", () => frames.at(-1).scrollIntoView({ block: "end" }));
        this.enlarge.hidden = false;
        this.enlarge.addEventListener("click", () => this.toggleSize());
        this.watch(frames);
    }

    watch(frames) {
        const near = new IntersectionObserver(
            (entries) => {
                for (const entry of entries) {
                    if (entry.isIntersecting) {
                        this.draw(entry.target);
                    } else {
                        this.release(entry.target);
                    }
                }
            },
            { root: this.pages, rootMargin: "600px 0px" }
        );
        // The page that takes most of the room gives its number; the earlier one of two equals.
        const heights = new Array(frames.length).fill(0);
        const seen = new IntersectionObserver(
            (entries) => {
                for (const entry of entries) {
                    heights[entry.target.dataset.page - 1] = entry.intersectionRect.height;
                }
                this.show(heights.indexOf(Math.max(...heights)) + 1);
            },
            { root: this.pages, threshold: [0, 0.2, 0.4, 0.6, 0.8, 1] }
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
        if (this.tasks.has(frame)) {
            return;
        }
        this.tasks.set(frame, null);
        const page = await this.document.getPage(Number(frame.dataset.page));
        if (!this.tasks.has(frame)) {
            return; // scrolled out of sight meanwhile
        }
        const canvas = frame.querySelector("canvas");
        const shape = page.getViewport({ scale: 1 });
        const width = Math.max(frame.clientWidth * (globalThis.devicePixelRatio || 1), LEAST_WIDTH);
        const viewport = page.getViewport({ scale: Math.min(width / shape.width, MAX_SCALE) });
        frame.style.aspectRatio = `${shape.width} / ${shape.height}`;
        canvas.width = Math.round(viewport.width);
        canvas.height = Math.round(viewport.height);
        const task = page.render({ canvasContext: canvas.getContext("2d"), viewport });
        this.tasks.set(frame, task);
        try {
            await task.promise;
        } catch (error) {
            if (error.name !== "RenderingCancelledException") {
                this.say(this.options.failed);
            }
            return;
        }
        frame.dataset.drawn = "1";
        if (Number(frame.dataset.page) === this.document.numPages) {
            this.lastDrawn = true;
            this.reportEnd();
        }
    }

    /** Give the memory of a page out of sight back: phones have little of it for canvases. */
    release(frame) {
        const task = this.tasks.get(frame);
        this.tasks.delete(frame);
        if (task) {
            task.cancel();
        }
        const canvas = frame.querySelector("canvas");
        canvas.width = canvas.height = 0;
        delete frame.dataset.drawn;
    }

    /** Twice the width, or back; what was at the top stays there. */
    toggleSize() {
        const enlarged = this.pages.classList.toggle("o_esign_enlarged");
        this.enlarge.setAttribute("aria-pressed", enlarged);
        const factor = enlarged ? 2 : 0.5;
        this.pages.scrollTop *= factor;
        for (const frame of [...this.tasks.keys()]) {
            this.release(frame);
            this.draw(frame);
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
