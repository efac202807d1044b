import { useState } from "preact/hooks";
import { access, useKey } from "../api/client.ts";
import { refreshModels } from "../api/models.ts";

/** Asks for an API key of this server; it is kept until the tab is closed. */
export function KeyField() {
  const [text, setText] = useState(access.get().key);
  const refused = access.get().key !== "";
  return (
    <form
      class="notice"
      onSubmit={(event) => {
        event.preventDefault();
        useKey(text.trim());
        void refreshModels();
      }}
    >
      <div class="field">
        <label for="api-key">This server asks for an API key</label>
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={text}
          aria-describedby="api-key-note"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <small id="api-key-note" role={refused ? "alert" : undefined}>
          {refused
            ? "The server does not know this key."
            : "It is sent to this server only, and forgotten with the tab."}
        </small>
      </div>
      <button type="submit" class="primary">
        Use key
      </button>
    </form>
  );
}
