const paths = {
  logo: "M3 12h5M8 12c4 0 3-6 7-6h5M8 12c4 0 3 6 7 6h5",
  playground: "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
  rounds: "M4 12h4M8 12c3 0 2-6 6-6h6M8 12h12M8 12c3 0 2 6 6 6h6",
  costs: "M4 4v16h16M7 16c4 0 6-9 13-10",
  models: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  bench: "M5 20v-7M12 20V4M19 20v-11",
  sushi: "M4 13c0-5 16-5 16 0v3c0 2-16 2-16 0zM10 9.5v8M14 9.5v8M3 4l18 2",
  send: "M12 20V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  check: "M5 13l4 4L19 7",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2",
  moon: "M20 14A8 8 0 1110 4a6.5 6.5 0 0010 10z",
  auto: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 3v18M12 7h6M12 11h8M12 15h7",
} as const;

/** Decoration: what it stands for is always written beside it. */
export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
