/** Unix seconds ⇄ RFC 3339. Every time shown to a person is UTC. */

export type UnixTime = number;

/** Texts of the times asked for last: a certificate's dates, and now, are shown again with every report. */
const known = new Map<UnixTime, string>();
const knownAtMost = 256;

export function formatTime(time: UnixTime): string {
  let text = known.get(time);
  if (text === undefined) {
    if (known.size === knownAtMost) known.clear();
    text = rfc3339Of(time);
    known.set(time, text);
  }
  return text;
}

function rfc3339Of(time: UnixTime): string {
  const date = new Date(time * 1000);
  const year = date.getUTCFullYear();
  // Hostile input can hold a time outside RFC 3339's years, even outside ECMAScript's: never throw.
  if (!(year >= 0 && year <= 9999)) return `${time} s`;
  return `${date.toISOString().slice(0, 19)}Z`;
}

// Ranges stand here because Date.parse takes hour 24, and engines differ in what else they take.
const rfc3339 =
  /^\d{4}(?:-\d\d){2}T(?:[01]\d|2[0-3])(?::[0-5]\d){2}(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/**
 * RFC 3339 with its zone, which is required; fractions of a second are dropped. Null for anything
 * else, times before 1970 and leap seconds too.
 */
export function parseTime(text: string): UnixTime | null {
  if (!rfc3339.test(text)) return null;
  const milliseconds = Date.parse(text.toUpperCase());
  // Date.parse rolls 31 February over into March; a date that does not come back as written is refused.
  const day = Date.UTC(
    Number(text.slice(0, 4)),
    Number(text.slice(5, 7)) - 1,
    Number(text.slice(8, 10)),
  );
  if (Number.isNaN(milliseconds) || new Date(day).getUTCDate() !== Number(text.slice(8, 10)))
    return null;
  return milliseconds < 0 ? null : Math.floor(milliseconds / 1000);
}
