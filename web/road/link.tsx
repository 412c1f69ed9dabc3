/** A line between two stations. What it means is in words on the station that it leads to. */

type LinkProps = {
  /** It carries nothing. */
  cut: boolean;
  /** From what the vendor publishes up to what that speaks of. */
  up?: boolean;
};

export function Link({ cut, up = false }: LinkProps) {
  return (
    <svg
      class={`road-link ${cut ? 'road-link-cut' : ''} ${up ? 'road-link-up' : ''}`}
      viewBox="0 0 24 12"
      aria-hidden="true"
      focusable="false"
    >
      {cut ? <path d="M0 6h6M18 6h6M9 10l3-8M12.5 10l3-8" /> : <path d="M0 6h20M16 2l5 4-5 4" />}
    </svg>
  );
}
