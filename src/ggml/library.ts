// Finds and opens the native libraries. Nothing else in the project loads native code.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import koffi, { type LibraryHandle } from "koffi";
import { DraftwrightError } from "../errors.ts";

export interface Libraries {
  readonly directory: string;
  readonly base: LibraryHandle;
  readonly ggml: LibraryHandle;
  readonly llama: LibraryHandle;
}

/** Packages that carry the libraries for this platform, best first. GPU packages are installed by users who want them. */
export function nativePackages(platform: string = process.platform, arch: string = process.arch): string[] {
  const key = `${platform}-${arch}`;
  const table: Record<string, string[]> = {
    "linux-x64": ["linux-x64-cuda", "linux-x64-vulkan", "linux-x64"],
    "linux-arm64": ["linux-arm64"],
    "darwin-arm64": ["mac-arm64-metal"],
    "darwin-x64": ["mac-x64"],
    "win32-x64": ["win-x64-cuda", "win-x64-vulkan", "win-x64"],
    "win32-arm64": ["win-arm64"],
  };
  return (table[key] ?? []).map((name) => `@node-llama-cpp/${name}`);
}

function packageDirectory(name: string): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(dirname(entry)), "bins", name.slice(name.indexOf("/") + 1));
  } catch {
    return undefined;
  }
}

/** The folder of the native libraries: `DRAFTWRIGHT_LIB_DIR` when set, else the installed platform package. */
export function libraryDirectory(): string {
  const override = process.env.DRAFTWRIGHT_LIB_DIR;
  if (override) return override;
  const names = nativePackages();
  for (const name of names) {
    const directory = packageDirectory(name);
    if (directory) return directory;
  }
  const platform = `${process.platform}-${process.arch}`;
  throw new DraftwrightError(
    "native-missing",
    names.length
      ? `no native ggml library is installed for ${platform}. Run \`npm install ${names[names.length - 1]}\` ` +
          "(npm skips it with --omit=optional), or set DRAFTWRIGHT_LIB_DIR to a folder with libggml and libllama."
      : `there is no prebuilt ggml library for ${platform}. Build llama.cpp v0.5.0 as shared libraries and set ` +
          "DRAFTWRIGHT_LIB_DIR to their folder.",
  );
}

function findLibrary(directory: string, files: string[], stem: string): string {
  const pattern = new RegExp(`^(lib)?${stem}(\\.[a-z]+)?(\\.v?[0-9.]+)?\\.(so|dylib|dll)(\\.[0-9]+)*$`);
  const file = files.filter((name) => pattern.test(name)).sort((a, b) => a.length - b.length)[0];
  if (!file) {
    throw new DraftwrightError(
      "native-missing",
      `${directory} holds no ${stem} library. Point DRAFTWRIGHT_LIB_DIR at a folder with the shared libraries of ` +
        "llama.cpp v0.5.0 (ggml-base, ggml, llama), or unset it.",
    );
  }
  return join(directory, file);
}

/**
 * glibc learns from the first freed weights to take the next ones from the heap, where JavaScript's small allocations
 * then pin them: loading and disposing a model 1,000 times grew by 2 GB. A fixed threshold keeps them apart.
 */
function returnFreedMemory(): void {
  if (process.platform !== "linux") return;
  const M_MMAP_THRESHOLD = -3;
  try {
    koffi.load("libc.so.6").func("int mallopt(int, int)")(M_MMAP_THRESHOLD, 128 * 1024);
  } catch {
    // Not glibc: nothing to tune.
  }
}

const CALL_STACK_BYTES = 16 * 2 ** 20;

let loaded: Libraries | undefined;

/** Opens the libraries once per process and lets ggml choose the CPU variant and GPU back ends of the same folder. */
export function libraries(): Libraries {
  if (loaded) return loaded;
  const directory = libraryDirectory();
  let files: string[];
  try {
    files = readdirSync(directory);
  } catch (cause) {
    throw new DraftwrightError("native-missing", `cannot read the native library folder ${directory}`, { cause });
  }
  const open = (stem: string) => {
    const path = findLibrary(directory, files, stem);
    try {
      return koffi.load(path);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DraftwrightError("native-missing", `cannot load ${path}: ${reason}`, { cause });
    }
  };
  // C code runs on a stack of koffi's own; libllama's pre-tokenizers recurse along the text and 2 MiB end too soon.
  koffi.config({ sync_stack_size: CALL_STACK_BYTES });
  returnFreedMemory();
  loaded = { directory, base: open("ggml-base"), ggml: open("ggml"), llama: open("llama") };
  return loaded;
}
