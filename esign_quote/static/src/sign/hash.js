/**
 * SHA-256 of bytes, by the browser's own cryptography.
 *
 * @param {ArrayBuffer} bytes
 * @returns {Promise<string|null>} 64 hexadecimal digits; null where the browser offers none
 *      (pages that are not served over https)
 */
export async function sha256(bytes) {
    if (!globalThis.crypto || !globalThis.crypto.subtle) {
        return null;
    }
    const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
