import { Icon } from "./icon.tsx";
import { applyTheme, type Theme, theme } from "./theme.ts";

const choices: readonly { readonly name: Theme; readonly icon: "auto" | "sun" | "moon"; readonly label: string }[] = [
  { name: "auto", icon: "auto", label: "As the system" },
  { name: "light", icon: "sun", label: "Light" },
  { name: "dark", icon: "moon", label: "Dark" },
];

export function ThemeSwitch() {
  const { choice } = theme.use();
  return (
    <fieldset class="switch themes">
      <legend class="hidden">Colours</legend>
      {choices.map(({ name, icon, label }) => (
        <label key={name} title={label}>
          <input type="radio" name="theme" checked={choice === name} onChange={() => applyTheme(name)} />
          <Icon name={icon} />
          <span class="hidden">{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
