// Studio as a user meets it: `draftwright serve` in a process of its own, the embedded family, a real browser.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeRandomModel } from "../../src/lm/testing/index.ts";
import { startServe } from "../support/serve.ts";
import { executablePath, launch, open, screenshot, type Watched } from "./browser.ts";
import { type Hub, startHub } from "./hub.ts";

const key = "a-key-for-the-tests";
const beginning = "5. Confidentiality. The Receiving Party shall";

describe.skipIf(executablePath === undefined)("Studio in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "draftwright-studio-"));
  const children: ChildProcess[] = [];
  let browser: Browser;
  let hub: Hub;
  let url: string;
  let lockedUrl: string;

  async function start(more: NodeJS.ProcessEnv = {}): Promise<string> {
    const { url, child } = await startServe(["--threads", "1"], {
      ...process.env,
      XDG_CACHE_HOME: folder,
      HF_HUB_CACHE: join(folder, "hub"),
      HF_ENDPOINT: hub.url,
      DRAFTWRIGHT_MODELS: "",
      ...more,
    });
    children.push(child);
    return url;
  }

  beforeAll(async () => {
    const model = join(folder, "tiny.gguf");
    writeRandomModel(model, { architecture: "llama", contextLength: 512, weightType: "Q8_0", layerCount: 1 });
    hub = await startHub("org/tiny-GGUF", "tiny-Q8_0.gguf", readFileSync(model));
    [browser, url, lockedUrl] = await Promise.all([launch(), start(), start({ DRAFTWRIGHT_API_KEYS: key })]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    hub?.close();
    for (const child of children) {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** Fails when the page said or asked anything that it should not have. */
  async function close({ page, complaints, strangers }: Watched): Promise<void> {
    await page.context().close();
    expect(complaints).toEqual([]);
    expect(strangers).toEqual([]);
  }

  const answered = (page: Page) => page.locator(".facts").last().waitFor();

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    return page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: what axe-core leaves in the page
      const { violations } = await (globalThis as any).axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      // biome-ignore lint/suspicious/noExplicitAny: its results
      return violations.map(({ id, nodes }: any) => `${id}: ${nodes.map((node: any) => node.html).join(" | ")}`);
    });
  }

  test("by keyboard alone: a text is generated, painted by source, stopped, and its rounds walked through", async () => {
    const watched = await open(browser, url);
    const { page } = watched;
    await page.locator(".status strong").waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to content");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("Playground");
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement?.id === "prompt")) break;
    }
    // A fixed budget drafts however long the machine's forwards take.
    await page.getByLabel("Budget").fill("8");
    await page.locator("#prompt").focus();
    await page.keyboard.type(beginning);
    await page.keyboard.press("Shift+Enter");
    expect(await page.locator("#prompt").inputValue()).toBe(`${beginning}\n`);
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    await answered(page);
    expect(await page.locator(".said .prompt").textContent()).toBe(beginning);
    const sources = await page
      .locator(".said .token")
      .evaluateAll((tokens) => tokens.map((token) => token.getAttribute("title")));
    expect(sources.filter((source) => source !== "target").length).toBeGreaterThan(10);
    const painted = await page.locator(".said .token").allTextContents();
    const answer = await fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: beginning, max_tokens: 200, temperature: 0, draft: "off" }),
    });
    // The page shows what plain decoding says.
    expect(painted.join("")).toBe(((await answer.json()) as { choices: { text: string }[] }).choices[0].text);
    // Ears get it by sentences.
    expect(await page.getByRole("log").last().textContent()).toContain("End of the text.");

    await page.getByRole("spinbutton", { name: "Tokens at most" }).fill("2000");
    await page.keyboard.press("Tab");
    await page.locator("#prompt").focus();
    await page.keyboard.press("Enter");
    await page.locator(".caret").waitFor();
    await page.locator(".said .token").nth(20).waitFor({ state: "attached" });
    await page.keyboard.press("Escape");
    await page.getByText("stopped", { exact: true }).waitFor();

    await page.getByRole("link", { name: "Draft trees" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("svg.tree").waitFor();
    expect(await focused()).toBe("Draft trees");
    await page.getByRole("slider", { name: "Round" }).focus();
    await page.keyboard.press("Home");
    await page.getByRole("heading", { name: "Round 1", exact: true }).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("heading", { name: "Round 2", exact: true }).waitFor();
    await close(watched);
  });

  test("the tree of a round shows each drafted token once, and the accepted ones as they were emitted", async () => {
    const watched = await open(browser, url);
    const { page } = watched;
    // Named and always bought: on a busy machine `auto` may draft next to nothing.
    await page.getByRole("radio", { name: "Choose" }).check({ force: true });
    await page.getByRole("checkbox", { name: "hierarchy" }).check();
    await page.getByLabel("Budget").fill("8");
    await page.getByRole("button", { name: "Revise a clause" }).click();
    await answered(page);
    await page.getByRole("button", { name: "Compare with plain decoding" }).click();
    await page.getByText("Identical text without drafting.").waitFor();
    await page.getByRole("link", { name: "Draft trees" }).click();
    await page.getByRole("slider", { name: "Round" }).focus();
    const accepted = page.locator(".node.accepted text");
    for (let i = 0; i < 40 && (await accepted.count()) < 3; i++) await page.keyboard.press("ArrowLeft");
    const nodes = await page.locator(".node:not(.root):not(.own)").count();
    await page.getByText("The tree as a table").click();
    expect(await page.locator("tbody tr").count()).toBe(nodes);
    expect(await page.locator("tbody tr", { hasText: "accepted" }).count()).toBe(await accepted.count());
    expect(await accepted.count()).toBeGreaterThanOrEqual(3);
    await close(watched);
  });

  test("chat, one source alone, settings that last, a theme that is chosen", async () => {
    const watched = await open(browser, url, { reducedMotion: "reduce", colorScheme: "light" });
    const { page } = watched;
    await page.getByRole("radio", { name: "Chat" }).check({ force: true });
    await page.getByRole("textbox", { name: "Your message" }).fill("Write a clause on termination.");
    await page.getByRole("button", { name: "Send" }).click();
    await answered(page);
    await page.locator(".chip").first().click();
    expect(await page.locator(".token.faint").count()).toBeGreaterThan(0);
    await page.getByRole("radio", { name: "Dark" }).check({ force: true });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await background()).toBe("rgb(14, 16, 21)");
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    await page.reload();
    await page.locator(".status strong").waitFor();
    expect(await background()).toBe("rgb(14, 16, 21)");
    expect(await page.getByRole("radio", { name: "Chat" }).isChecked()).toBe(true);
    await close(watched);
  });

  test("with API keys: asked for once, kept in the tab, sent to this server only", async () => {
    const watched = await open(browser, lockedUrl);
    const { page } = watched;
    const field = page.getByLabel("This server asks for an API key");
    await field.fill("wrong-key-wrong");
    await page.getByRole("button", { name: "Use key" }).click();
    await page.getByText("The server does not know this key.").waitFor();
    await field.fill(key);
    await page.getByRole("button", { name: "Use key" }).click();
    await page.locator(".status strong").waitFor();
    await page.getByRole("button", { name: "Continue a contract" }).click();
    await answered(page);
    const kept = await page.evaluate(() => [JSON.stringify(sessionStorage), JSON.stringify(localStorage)]);
    expect(kept[0]).toContain(key);
    expect(kept[1]).not.toContain(key);
    // The browser itself notes refused requests.
    watched.complaints.splice(0, watched.complaints.length, ...watched.complaints.filter((text) => !/401/.test(text)));
    await close(watched);
  });

  test("models: pulled with progress, loaded, paired, unloaded", async () => {
    const watched = await open(browser, url);
    const { page } = watched;
    await page.getByRole("link", { name: "Models" }).click();
    await page.getByLabel("Repository on the hub").fill("org/tiny-GGUF");
    await page.keyboard.press("Enter");
    const progress = page.getByRole("progressbar", { name: "Pulling tiny-Q8_0.gguf" });
    await progress.waitFor();
    expect(Number(await progress.getAttribute("value"))).toBeLessThan(1);
    hub.release();
    await page.getByText("org/tiny-GGUF:tiny-Q8_0.gguf is here.").waitFor();

    const row = page.locator(".row", { has: page.getByRole("heading", { name: "embedded-target.Q8_0" }) });
    await row.getByRole("button", { name: "Pair" }).click();
    await row.getByText("fits, by its text", { exact: true }).first().waitFor();
    await row.getByRole("button", { name: "Load the pair embedded-target.Q8_0 with embedded-drafter2.Q8_0" }).click();
    const card = page.locator(".model", {
      has: page.getByRole("heading", { name: "embedded-target.Q8_0+embedded-drafter2.Q8_0" }),
    });
    await card.getByText("loaded", { exact: true }).waitFor();
    await card.getByRole("button", { name: "Unload" }).click();
    await card.getByText("unloaded", { exact: true }).waitFor();
    await close(watched);
  });

  test("the benchmark runs, can be stopped, and shows speed-ups of identical texts", async () => {
    const watched = await open(browser, url);
    const { page } = watched;
    await page.getByRole("link", { name: "Benchmark" }).click();
    await page.getByRole("button", { name: "Run benchmark" }).click();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Run benchmark" }).waitFor();
    for (const name of ["clause revision", "lists and data"]) await page.getByRole("checkbox", { name }).uncheck();
    await page.getByLabel("Tokens a prompt").fill("16");
    await page.getByLabel("Passes").fill("1");
    await page.getByRole("button", { name: "Run benchmark" }).click();
    await page.getByText("All texts identical to plain decoding").waitFor();
    expect(await page.locator(".results tbody tr").count()).toBe(3);
    expect(await page.locator(".results .chart rect").count()).toBe(4);
    await close(watched);
  });

  test("Sushi Go: a card, undo, a hint, a game to its end, advice for a table, and what is wrong with another", async () => {
    const watched = await open(browser, url);
    const { page } = watched;
    await page.getByRole("link", { name: "Sushi Go" }).click();
    const cards = page.locator(".sushi-cards > button");
    await page.getByRole("button", { name: "New game" }).click();
    const first = await cards.allInnerTexts();
    await cards.first().click();
    await page.getByText("Round 1 of 3, turn 2 of 10").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Round 1 of 3, turn 1 of 10").waitFor();
    expect(await cards.allInnerTexts()).toEqual(first);
    await page.getByRole("button", { name: "Hint" }).click();
    await page.getByText("Opponent holds: not seen yet").waitFor();
    for (let i = 0; i < 40 && (await cards.count()) > 0; i++) await cards.first().click();
    await page.getByText(/Won by|Shared by/).waitFor();
    await page.getByRole("button", { name: "Advise" }).click();
    await page.getByText("on wasabi: 9 points").waitFor();
    await page.getByRole("textbox", { name: "Table" }).fill("menu: sushi-go\nhand: sandwich");
    await page.getByRole("button", { name: "Advise" }).click();
    await page.getByRole("alert").getByText('There is no card "sandwich"').waitFor();
    await close(watched);
  });

  test.each(["light", "dark"] as const)(
    "%s: every view is clean for axe-core, also on a phone; pictures are kept",
    async (colorScheme) => {
      const watched = await open(browser, url, { colorScheme, reducedMotion: "reduce" });
      const { page } = watched;
      const view = async (name: string, ready: () => Promise<unknown>) => {
        await ready();
        expect(await violations(page), name).toEqual([]);
        await screenshot(page, `${name}-${colorScheme}`);
        await page.setViewportSize({ width: 390, height: 780 });
        const { wide, room } = await page.evaluate(() => ({
          wide: document.querySelector("main")?.scrollWidth,
          room: document.querySelector("main")?.clientWidth,
        }));
        expect(wide, `${name} on a phone`).toBe(room);
        expect(await violations(page), `${name} on a phone`).toEqual([]);
        await page.setViewportSize({ width: 1280, height: 800 });
      };
      await view("welcome", () => page.locator(".status strong").waitFor());
      await view("playground", async () => {
        await page.getByRole("button", { name: "Revise a clause" }).click();
        await answered(page);
        await page.getByRole("button", { name: "Compare with plain decoding" }).click();
        await page.getByText("Identical text without drafting.").waitFor();
      });
      await view("rounds", async () => {
        await page.getByRole("radio", { name: "Choose" }).check({ force: true });
        for (const name of ["hierarchy", "lookahead", "model"]) await page.getByRole("checkbox", { name }).check();
        await page.getByLabel("Budget").fill("8");
        await page.locator("#prompt").fill(beginning);
        await page.keyboard.press("Enter");
        await answered(page);
        await page.getByRole("link", { name: "Draft trees" }).click();
        await page.getByRole("slider", { name: "Round" }).focus();
        // One that says something: branches, some accepted and some not.
        await page.keyboard.press("Home");
        const shows = async () =>
          (await page.locator(".node.accepted").count()) >= 3 && (await page.locator(".node.rejected").count()) >= 3;
        for (let i = 0; i < 150 && !(await shows()); i++) await page.keyboard.press("ArrowRight");
      });
      await view("costs", async () => {
        await page.getByRole("link", { name: "Costs" }).click();
        await page.getByRole("heading", { name: "Cost of a forward" }).waitFor();
      });
      await view("models", async () => {
        await page.getByRole("link", { name: "Models" }).click();
        const row = page.locator(".row", { has: page.getByRole("heading", { name: "embedded-target.Q8_0" }) });
        await row.getByRole("button", { name: "Pair" }).click();
        await row.getByText("fits", { exact: true }).first().waitFor();
      });
      await view("bench", async () => {
        await page.getByRole("link", { name: "Benchmark" }).click();
        for (const name of ["hierarchy", "cascade"]) await page.getByRole("checkbox", { name, exact: true }).check();
        await page.getByLabel("Tokens a prompt").fill("24");
        await page.getByLabel("Passes").fill("1");
        await page.getByRole("button", { name: "Run benchmark" }).click();
        await page.getByText("All texts identical to plain decoding").waitFor();
        await page.locator(".results").scrollIntoViewIfNeeded();
      });
      await view("sushi", async () => {
        await page.getByRole("link", { name: "Sushi Go" }).click();
        await page.getByRole("button", { name: "New game" }).click();
        await page.locator(".sushi-cards button").first().click();
        await page.getByRole("button", { name: "Hint" }).click();
        await page.getByText("Margin in points at the end of the round").waitFor();
      });
      await close(watched);
    },
  );
});
