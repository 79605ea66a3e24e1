import { sha256 } from "./hash";

/**
 * Compare a file of the visitor with the recorded fingerprints; it is sent nowhere.
 *
 * @param {HTMLElement} block
 */
function watchFile(block) {
    const verdict = block.querySelector(".o_esign_verdict");
    block.querySelector("input[type=file]").addEventListener("change", async (ev) => {
        const [file] = ev.target.files;
        if (!file) {
            return;
        }
        const hash = await sha256(await file.arrayBuffer());
        const kind = ["signed", "proof", "quote"].find((name) => hash && block.dataset[name] === hash);
        const word = hash ? kind || "other" : "unable";
        verdict.textContent = verdict.dataset[`${word}Text`];
        verdict.dataset.verdict = word;
    });
}

document.querySelectorAll(".o_esign_verify").forEach(watchFile);
