/**
 * The interface between the measuring loops and what is measured. Plain enough for another bench to load
 * `driver.mjs` and put the daemon beside other systems.
 */
import type { Answer, Question } from './probe.ts';

/** A message that is ready to be sent; only its own driver looks inside. */
export type Prepared = Uint8Array;

export interface Publisher {
  send(message: Prepared): void;
  close(): void;
  readonly dead: boolean;
}

export interface Subscriber {
  close(): void;
}

export interface CaughtUp {
  readonly ms: number;
  readonly got: number;
  readonly bytes: number;
}

/** A system that runs. Node numbers count the system's peers; a single one is number 0. */
export interface Running {
  /** processes whose CPU and memory are charged */
  readonly pids: readonly number[];
  readonly coldMs: number;
  /** ms to wait after the last subscription */
  readonly settle?: number;
  /** signed messages of 400 bytes whose body begins with `~SEQ~` */
  prepare(count: number, from?: number): Prepared[];
  /** @param onAck told how many more are durable */
  publisher(node: number, onAck?: (count: number) => void): Promise<Publisher>;
  subscriber(node: number, onMessage: (seq: number) => void): Promise<Subscriber>;
  idle(node: number): Promise<Subscriber>;
  preload?(node: number, count: number): Promise<void>;
  catchup?(node: number, count: number): Promise<CaughtUp>;
  /** what only the system's process knows */
  ask?(question: Question): Promise<Answer>;
  count(node: number): number;
  kill9(node: number): Promise<void>;
  restart(node: number): Promise<number>;
  alive(node: number): boolean;
  stop(): Promise<void>;
}

export interface Capabilities {
  readonly durable: boolean;
  readonly unique: boolean;
  readonly ack: boolean;
  readonly idle: boolean;
  readonly catchup: boolean;
  readonly mesh: boolean;
}

export interface StartOptions {
  readonly nodes?: number;
  /** how many there will be */
  readonly subscribers?: number;
}

export interface System {
  readonly name: string;
  readonly caps: Capabilities;
  start(options?: StartOptions): Promise<Running>;
}

const TILDE = 0x7e;

/** The number in `~123~` at the beginning of a body, or -1. */
export function seqOf(body: Uint8Array): number {
  if (body[0] !== TILDE) return -1;
  let seq = 0;
  for (let i = 1; i < body.length; i++) {
    const digit = (body[i] as number) - 48;
    if (body[i] === TILDE) return i > 1 ? seq : -1;
    if (digit < 0 || digit > 9) return -1;
    seq = seq * 10 + digit;
  }
  return -1;
}

/** A body of exactly `length` ASCII characters with its number in front. */
export function bodyOf(seq: number, length: number): string {
  const head = `~${seq}~`;
  return head + 'the quick brown fox jumps over the lazy dog '.repeat(10).slice(0, length - head.length);
}
