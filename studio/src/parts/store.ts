import { useEffect, useState } from "preact/hooks";

/** State outside components: it lives on while views change. */
export interface Store<T extends object> {
  readonly get: () => T;
  readonly set: (change: Partial<T>) => void;
  /** Shown with the next frame: for changes that come faster than anybody looks. Fields that are typed into need `set`. */
  readonly setSoon: (change: Partial<T>) => void;
  /** The state, in a component that is drawn again when it changes. */
  readonly use: () => T;
}

export function createStore<T extends object>(initial: T): Store<T> {
  let state = initial;
  let scheduled = false;
  const readers = new Set<(state: T) => void>();
  const tell = () => {
    scheduled = false;
    for (const reader of readers) reader(state);
  };
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...change };
      tell();
    },
    setSoon(change) {
      state = { ...state, ...change };
      if (scheduled) return;
      scheduled = true;
      // A hidden page gets no frames.
      if (document.hidden) queueMicrotask(tell);
      else requestAnimationFrame(tell);
    },
    use() {
      const [shown, show] = useState(state);
      useEffect(() => {
        readers.add(show);
        show(state);
        return () => void readers.delete(show);
      }, []);
      return shown;
    },
  };
}

/** What the browser remembers of earlier visits, over `initial`. */
export function remembered<T extends object>(name: string, initial: T): T {
  try {
    return { ...initial, ...JSON.parse(localStorage.getItem(`draftwright.${name}`) ?? "{}") };
  } catch {
    return initial;
  }
}

export function remember(name: string, value: object): void {
  try {
    localStorage.setItem(`draftwright.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still works.
  }
}
