/** GPT-2's spelling of bytes: byte to character. Printable bytes stand for themselves, the others from U+0100 on. */
export const byteAlphabet: readonly string[] = (() => {
  let extra = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : extra++);
  });
})();
