/** Text from models and files, made harmless in HTML and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** A page that needs nothing but itself: no network, light and dark. `style` and `script` are ours, `body` is escaped. */
export function htmlPage(title: string, body: string, style = "", script = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #666; --line: #d4d4d4; --paper: #fff; --panel: #f5f5f5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --soft: #a5a5a5; --line: #444; --paper: #161616; --panel: #222; } }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.note, .soft { color: var(--soft); }
table { border-collapse: collapse; } th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
${style}</style>
</head>
<body>
${body}
${script && `<script>${script}</script>`}
</body>
</html>
`;
}
