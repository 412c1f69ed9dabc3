/** What an event says, for people and for whoever asks what was measured. */
export type EventView = {
  /** One line. */
  readonly what: string;
  readonly parts: readonly { readonly name: string; readonly value: string }[];
};
