// The page as a whole.

export function App() {
  return (
    <header class="top">
      <h1>
        <Logo /> Tessera
      </h1>
    </header>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 16 16" width="26" height="26" aria-hidden="true">
      {[1, 0.45, 0.7, 0.2].map((opacity, at) => (
        <rect
          key={at}
          x={at % 2 === 0 ? 1 : 9}
          y={at < 2 ? 1 : 9}
          width="6"
          height="6"
          rx="1.5"
          fill="currentColor"
          opacity={opacity}
        />
      ))}
    </svg>
  );
}
