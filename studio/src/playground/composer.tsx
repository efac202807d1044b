import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { send, session, stop } from "./session.ts";

/** Where the prompt is written. Enter sends, Shift+Enter is a new line, Escape stops. */
export function Composer({ running }: { readonly running: boolean }) {
  const { draftText, settings } = session.use();
  const area = useRef<HTMLTextAreaElement>(null);
  const isChat = settings.mode === "chat";
  const submit = () => {
    if (draftText.trim() !== "") void send(draftText);
  };
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(150, element.scrollHeight + 2)}px`;
  }, [draftText]);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (running) stop();
        else submit();
      }}
    >
      <label class="hidden" for="prompt">
        {isChat ? "Your message" : "Text to continue"}
      </label>
      <textarea
        id="prompt"
        ref={area}
        rows={2}
        value={draftText}
        placeholder={isChat ? "Write a message.." : "Write the beginning of a text.."}
        aria-describedby="prompt-keys"
        onInput={(event) => session.set({ draftText: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === "Escape" && running) stop();
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          if (!running) submit();
        }}
      />
      <div class="composer-end">
        <small id="prompt-keys">
          <kbd>Enter</kbd> {isChat ? "sends" : "continues it"}, <kbd>Shift</kbd>+<kbd>Enter</kbd> new line,{" "}
          <kbd>Esc</kbd> stops
        </small>
        <button type="submit" class={running ? "stop" : "primary"} disabled={!running && draftText.trim() === ""}>
          <Icon name={running ? "stop" : "send"} />
          {running ? "Stop" : isChat ? "Send" : "Continue"}
        </button>
      </div>
    </form>
  );
}
