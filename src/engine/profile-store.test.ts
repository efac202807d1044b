import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Calibration } from "../drafting/index.ts";
import { type ProfileKey, profileFolder, readProfile, writeProfile } from "./profile-store.ts";
import { openToy } from "./testing/toy-runtime.ts";

const root = mkdtempSync(join(tmpdir(), "draftwright-profiles-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const key: ProfileKey = { modelHash: "m", device: "CPU", threads: 2, numerics: "exact" };
const curve = { widths: [1, 2], kv: [0], ms: [[1], [1.5]] };

describe("profiles", () => {
  test("come back as they were written, and leave no temporary file", () => {
    const folder = join(root, "new", "folder");
    const calibration = new Calibration();
    calibration.table("lookup").update(1, 0, true);
    writeProfile(folder, key, { curve, calibration, exact: true });
    const saved = readProfile(folder, key);
    expect(saved?.curve).toEqual(curve);
    expect(saved?.exact).toBe(true);
    expect(saved?.calibration.toJSON()).toEqual(calibration.toJSON());
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test("other threads, numerics or weights have their own", () => {
    const folder = join(root, "keys");
    writeProfile(folder, key, { curve, calibration: new Calibration(), exact: null });
    for (const other of [{ threads: 1 }, { numerics: "fast" }, { modelHash: "n" }, { device: "Vulkan0" }]) {
      expect(readProfile(folder, { ...key, ...other })).toBeNull();
    }
  });

  test.each(["", "{", "null", '{"curve":{"widths":[2,1],"kv":[0],"ms":[[1],[1]]}}'])(
    "a damaged file is as none: %s",
    (text) => {
      const folder = join(root, "damaged");
      writeProfile(folder, key, { curve, calibration: new Calibration(), exact: null });
      writeFileSync(join(folder, readdirSync(folder)[0]), text);
      expect(readProfile(folder, key)).toBeNull();
    },
  );

  test("a folder that cannot be written is no error", () => {
    writeFileSync(join(root, "file"), "");
    writeProfile(join(root, "file"), key, { curve, calibration: new Calibration(), exact: null });
  });

  test("follow XDG_CACHE_HOME", () => {
    expect(profileFolder({ XDG_CACHE_HOME: "/x" })).toBe("/x/draftwright/profiles");
    expect(profileFolder({})).toMatch(/\.cache\/draftwright\/profiles$/);
  });

  test("a model writes one when it is loaded and when it is disposed of", async () => {
    const folder = join(root, "model");
    const model = await openToy({ profiles: folder, draftPaths: ["draft."] });
    expect(readdirSync(folder)).toHaveLength(2);
    await model.dispose();
    expect(readdirSync(folder)).toHaveLength(2);
  });
});
