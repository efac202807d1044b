import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { replaceFile, writeBeside } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-files-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

describe("replaceFile", () => {
  test("writes text and bytes, makes folders, and leaves nothing beside", () => {
    replaceFile(at("a/b/text"), "one");
    replaceFile(at("a/b/text"), Uint8Array.of(116, 119, 111));
    expect(readFileSync(at("a/b/text"), "utf8")).toBe("two");
    expect(readdirSync(at("a/b"))).toEqual(["text"]);
  });

  test("a failure leaves the old file, and names the path", () => {
    writeFileSync(at("old"), "old");
    const fail = () =>
      writeBeside(at("old"), (temporary) => {
        writeFileSync(temporary, "half");
        throw new Error("disk full");
      });
    expect(fail).toThrow(`Cannot write ${at("old")}: disk full.`);
    expect(readFileSync(at("old"), "utf8")).toBe("old");
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(() => replaceFile(at("old/below"), "x")).toThrow(/Cannot write .*below/);
    expect(() => replaceFile(folder, "x")).toThrow(/EISDIR/);
  });

  test.skipIf(process.platform === "win32")("keeps links, writes through pipes, and sets modes", () => {
    writeFileSync(at("real"), "old");
    symlinkSync(at("real"), at("link"));
    replaceFile(at("link"), "new");
    expect(readFileSync(at("real"), "utf8")).toBe("new");
    replaceFile(at("private/file"), "x", { mode: 0o600, folderMode: 0o700 });
    expect(statSync(at("private/file")).mode & 0o777).toBe(0o600);
    expect(statSync(at("private")).mode & 0o777).toBe(0o700);
    replaceFile("/dev/null", "gone");
    expect(statSync("/dev/null").isFile()).toBe(false);
  });
});
