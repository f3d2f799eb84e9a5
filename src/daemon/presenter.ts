/**
 * Tells people what happens: JSON lines for machines, and on a terminal the start screen with short lines after it.
 * The second half of the screen waits until the bootstrap lists have answered and the first dials had a moment, so that
 * the number of peers on it means something.
 */
import type { Now } from '../core/contract.ts';
import type { PeerSnapshot } from '../core/peer-types.ts';
import type { Later } from './committer.ts';
import type { LocalDiscoveryView, SourceView, StatusView } from './gate.ts';
import { localDiscoveryText } from './local-discovery.ts';
import type { Problem } from './problems.ts';
import type { Log, ReportEffect } from './runner.ts';
import { type Screen, sourceResult } from './screen.ts';

/** How often the screen looks whether the mesh has settled, ms (guess: quicker than people notice). */
const LOOK_MS = 200;
/** First dials get this long after the last list has answered, ms (guess: two round trips around the world and TLS). */
const DIAL_MS = 2_000;
/** The screen is completed after this time whatever is still open, ms (bootstrapMs and a dial). */
const SETTLE_MS = 8_000;

export interface PresenterParts {
  readonly log: Log;
  /** only on a terminal */
  readonly screen: Screen | undefined;
  readonly later: Later;
  readonly clock: () => Now;
  readonly status: () => StatusView;
  readonly snapshot: () => PeerSnapshot;
  readonly sources: () => readonly SourceView[];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export class Presenter {
  readonly #parts: PresenterParts;
  #isComplete = false;
  #startedMs = 0;
  #answeredMs: number | undefined;
  #cancel: () => void = () => undefined;
  readonly #lastResult = new Map<string, string>();
  #lastLocalFailure = '';

  constructor(parts: PresenterParts) {
    this.#parts = parts;
  }

  /** The daemon listens and has begun. @param notes one sentence each: what a person should know of this start */
  started(notes: readonly string[]): void {
    const { log, screen } = this.#parts;
    const status = this.#parts.status();
    const { version, identity, peer, network, listen, dataFolder } = status;
    for (const note of notes) log.warn({ note }, 'note on the start');
    log.info({ version, identity, peer, network, listen, dataFolder }, 'daemon started');
    screen?.showIdentity(status, notes);
    this.#startedMs = this.#parts.clock().monotonicMs;
    if (screen !== undefined) this.#look();
  }

  /** A bootstrap list was asked. Repetitions of the same result are not news. */
  source(view: SourceView): void {
    const { log, screen } = this.#parts;
    const words = sourceResult(view);
    const isNews = this.#lastResult.get(view.source) !== words;
    this.#lastResult.set(view.source, words);
    const data = { ...view };
    if (!isNews) log.debug(data, 'bootstrap list asked again');
    else if (view.state === 'failed') log.warn(data, 'bootstrap list failed');
    else log.info(data, 'bootstrap list read');
    if (isNews && this.#isComplete)
      screen?.showLine(`Bootstrap list ${view.source}: ${words}`, this.#wallMs());
  }

  /** Local discovery does something else than before. What fails again for the same reason is no news. */
  localDiscovery(view: LocalDiscoveryView): void {
    const { log, screen } = this.#parts;
    const { mode, state, reason, addresses } = view;
    const data = { mode, state, reason, addresses };
    const hasFailed = state !== 'off' && reason !== '';
    const isNews = !hasFailed || reason !== this.#lastLocalFailure;
    if (hasFailed) this.#lastLocalFailure = reason;
    if (!isNews) log.debug(data, 'local discovery failed again');
    else if (hasFailed) log.warn(data, 'local discovery failed');
    else log.info(data, 'local discovery');
    if (isNews && this.#isComplete)
      screen?.showLine(`Local network: ${localDiscoveryText(view)}.`, this.#wallMs());
  }

  report({ level, phrase, code, data }: ReportEffect): void {
    const { log, screen } = this.#parts;
    log[level](code === undefined ? data : { ...data, code }, phrase);
    if (screen === undefined || !this.#isComplete) return;
    const line = this.#line(phrase, data);
    if (line !== undefined) screen.showLine(line, this.#wallMs());
  }

  problem(problem: Problem): void {
    const { log, screen } = this.#parts;
    log.error({ code: problem.code, detail: problem.detail }, 'problem');
    screen?.showProblem(problem, this.#wallMs());
  }

  /** Something on the way that people at the screen should see as well. @param line the same for them, a sentence */
  note(phrase: string, line: string): void {
    this.#parts.log.info({}, phrase);
    this.#parts.screen?.showLine(line, this.#wallMs());
  }

  stop(): void {
    this.#cancel();
  }

  #wallMs(): number {
    return this.#parts.clock().wallMs;
  }

  #line(phrase: string, data: ReportEffect['data']): string | undefined {
    const { length } = this.#parts.snapshot().links;
    const now = `${length} ${length === 1 ? 'link' : 'links'} now`;
    const at = text(data.url) === '' ? '' : ` at ${text(data.url)}`;
    switch (phrase) {
      case 'link up':
        return `Linked with peer ${text(data.peer)}${at}; ${now}.`;
      case 'link down':
        return `Lost the link with peer ${text(data.peer)}: ${text(data.reason)}; ${now}.`;
      case 'this peer is a relay now':
        return `Others reach this peer at ${text(data.url)}: it is a relay now.`;
      default:
        return undefined;
    }
  }

  #look(): void {
    if (this.#isSettled()) {
      this.#isComplete = true;
      this.#parts.screen?.showMesh(this.#parts.status());
      return;
    }
    this.#cancel = this.#parts.later.after(LOOK_MS, () => this.#look());
  }

  #isSettled(): boolean {
    const now = this.#parts.clock().monotonicMs;
    if (now - this.#startedMs >= SETTLE_MS) return true;
    if (this.#parts.sources().some(({ state }) => state === 'waiting')) return false;
    if (this.#parts.status().localDiscovery.state === 'starting') return false;
    this.#answeredMs ??= now;
    if (now - this.#answeredMs >= DIAL_MS) return true;
    const { addresses } = this.#parts.snapshot();
    return addresses.every(({ state }) => state === 'linked' || state === 'self');
  }
}
