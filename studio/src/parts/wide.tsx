import type { ComponentChildren } from "preact";

/** What may be wider than the page, such as a table on a phone: scrolled by finger, wheel or arrow keys. */
export function Wide({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus
    <section class="scrolled" aria-label={title} tabIndex={0}>
      {children}
    </section>
  );
}
