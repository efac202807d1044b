import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme, theme } from "./parts/theme.ts";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/sources.css";
import "./styles/views.css";

applyTheme(theme.get().choice);
render(<App />, document.getElementById("app") as HTMLElement);
