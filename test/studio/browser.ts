// A real Chromium, watched: what a page says on its console and whom it asks.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const places = [
  process.env.DRAFTWRIGHT_CHROMIUM ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Undefined where there is none; CI installs one. */
export const executablePath = places.find((path) => path !== "" && existsSync(path));

if (executablePath === undefined) {
  const why = "no Chromium found: install one, or set DRAFTWRIGHT_CHROMIUM to its path";
  if (process.env.CI) throw new Error(`Studio's tests cannot run: ${why}.`);
  console.warn(`Studio's tests in a browser are skipped: ${why}.`);
}

export function launch(): Promise<Browser> {
  // Containers have neither the sandbox's namespaces nor much shared memory.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export interface Watched {
  readonly page: Page;
  /** What the console and uncaught errors said. */
  readonly complaints: string[];
  /** Addresses asked for that are not the server's. */
  readonly strangers: string[];
}

export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`)) strangers.push(request.url());
  });
  await page.goto(`${url}/`);
  return { page, complaints, strangers };
}

const folder = process.env.DRAFTWRIGHT_SCREENSHOTS ?? fileURLToPath(new URL("../../artefacts/studio", import.meta.url));

/** Kept for people: CI's artefacts, and the pictures in docs/. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
