/** What gathering collateral needs of the machine it runs on. host/ has both with files and HTTP. */
import type { Bytes } from '../bytes.ts';
import type { UnixTime } from '../time.ts';
import type { StoredObject } from './vendor-object.ts';

/** What a server answered with status 200. */
export type Answer = {
  readonly body: Bytes;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The server's own clock, from its `date` header; null where it does not say. */
  readonly date: UnixTime | null;
};

export type Source = {
  /**
   * @param address http or https @param limit bytes that an answer may have at most
   * @throws CollateralError `vendor-unreachable`, `vendor-busy`, `vendor-unknown`, `answer-wrong` (a redirect, another status),
   *   `answer-too-large`, `cache-unusable` (requests of processes could not be kept apart)
   */
  get(address: string, limit: number): Promise<Answer>;
};

/** Objects by `objectName`. Losing it costs time and nothing else. */
export type Store = {
  /** Null where there is none, or a damaged one: that is never handed out. */
  read(name: string): Promise<StoredObject | null>;
  /** Whoever reads finds the old object or the new one, whole, whenever this process is killed. @throws CollateralError `cache-unusable` */
  write(name: string, object: StoredObject): Promise<void>;
  /** Names of all objects, in order. */
  names(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
  /** Runs `work` while no other process, and nothing else of this one, does work of the same name. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
};
