/**
 * Which messages are for an agent. In an open channel anybody may write, so text alone wakes nobody: the owner names
 * the channel and how it wakes, and the identities that may. Everything else stays history that the agent can read.
 *
 * The order of the questions is from those that say nothing about the owner to those that cost: who is a stranger is
 * passed over without a trace, or strangers could fill the inbox with refusals.
 */
import { idFromText } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import type { Marks } from './marks.ts';

/** What of a channel wakes the agent: nothing, what mentions it or answers it, or each message of an allowed contact. */
export type WakeMode = 'never' | 'mention' | 'always';
/** Why a message is for the agent: it mentions it, answers a message of it, or the channel wakes it always. */
export type WakeReason = 'mention' | 'reply' | 'channel';
/**
 * Why a message that is for the agent is not handed to it: too old when it came; as many automatic answers before it as are
 * allowed; too many turns in an hour or day; too many waiting; the contact or the channel was taken back while it waited.
 */
export type HeldReason = 'too-old' | 'hops-spent' | 'budget-spent' | 'inbox-full' | 'not-allowed';

/** What the owner set for a channel. */
export interface WakeRule {
  readonly mode: WakeMode;
  /** `@name` in a text mentions the agent too; in lower case */
  readonly names: readonly string[];
  /** wall time at which the owner said so: what was written before was written when nobody listened */
  readonly sinceMs: number;
}

/** A message as this decision sees it. */
export interface WakeMessage {
  /** id text */
  readonly author: string;
  readonly timeMs: number;
  readonly body: string;
  readonly marks: Marks;
  /** it replies to a message of the agent's identity */
  readonly isReplyToAgent: boolean;
}

export interface WakeFacts {
  /** id text of the agent's identity */
  readonly identity: string;
  readonly rule: WakeRule;
  /** whether the author is an allowed contact */
  readonly isAllowed: boolean;
  readonly nowMs: number;
  /** an older message is history: it came late, or was kept longer elsewhere. ms */
  readonly ageMsMax: number;
  readonly hopsMax: number;
  /** asked only when everything else is answered */
  readonly isInboxFull: () => boolean;
  readonly hasBudget: () => boolean;
}

/**
 * Why a message is none of the agent's business: a stranger wrote it, or the agent itself; it is a notice, which nobody
 * answers; it was written before the owner set the channel to wake; the channel does not wake; it does not mention the
 * agent and answers nothing of it.
 */
export type PassReason = 'stranger' | 'own' | 'notice' | 'before-wake' | 'never' | 'not-meant';

/** `pass`: it is none of the agent's business. */
export type Verdict =
  | { readonly kind: 'pass'; readonly because: PassReason }
  | { readonly kind: 'wake'; readonly why: WakeReason }
  | { readonly kind: 'hold'; readonly why: WakeReason; readonly reason: HeldReason };

const pass = (because: PassReason): Verdict => ({ kind: 'pass', because });

/** Clocks of honest peers differ by less (as clockFollowMs of limits.ts). */
const SKEW_MS = LIMITS.clockFollowMs;

/** What may stand in a name, and so not behind an `@name` that is meant. */
const NAME_CHARACTER = /[\p{L}\p{N}_-]/u;
/** Characters of a name. */
export const NAME_LENGTH_MAX = 64;

/** A name as it is compared, or undefined if it can be none: letters, digits, `_` and `-`, 1 to 64 of them. */
export function agentName(text: string): string | undefined {
  const name = text.normalize('NFC').toLowerCase();
  const isName = name.length <= NAME_LENGTH_MAX && /^[\p{L}\p{N}_-]+$/u.test(name);
  // An id would be a name that stands for somebody else.
  return isName && idFromText(text) === undefined ? name : undefined;
}

/** Whether a character that could stand in a name begins at `at`; false outside the text. */
function isNameAt(text: string, at: number): boolean {
  const code = text.codePointAt(at);
  return code !== undefined && NAME_CHARACTER.test(String.fromCodePoint(code));
}

/** Whether `@word` stands in the text by itself: not in a mail address, and not as the beginning of a longer word. */
function namesWord(text: string, word: string): boolean {
  const wanted = `@${word}`;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const isJoined =
      at > 0 && (isNameAt(text, at - 1) || (at > 1 && isNameAt(text, at - 2) && isLow(text, at - 1)));
    if (!isJoined && !isNameAt(text, at + wanted.length)) return true;
  }
  return false;
}

/** The second half of a surrogate pair. */
function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

function isMentioned({ body, marks }: WakeMessage, { identity, rule }: WakeFacts): boolean {
  if (marks.mentions.includes(identity) || namesWord(body, identity)) return true;
  if (rule.names.length === 0 || !body.includes('@')) return false;
  const text = body.normalize('NFC').toLowerCase();
  return rule.names.some((name) => namesWord(text, name));
}

function reasonOf(message: WakeMessage, facts: WakeFacts): WakeReason | undefined {
  if (facts.rule.mode === 'never') return undefined;
  if (isMentioned(message, facts)) return 'mention';
  if (message.isReplyToAgent) return 'reply';
  return facts.rule.mode === 'always' ? 'channel' : undefined;
}

/** What becomes of a message. Asks for budget and room last, because they read the store. */
export function judge(message: WakeMessage, facts: WakeFacts): Verdict {
  if (!facts.isAllowed) return pass('stranger');
  if (message.author === facts.identity) return pass('own');
  if (message.marks.isNotice) return pass('notice');
  if (message.timeMs < facts.rule.sinceMs - SKEW_MS) return pass('before-wake');
  const why = reasonOf(message, facts);
  if (why === undefined) return pass(facts.rule.mode === 'never' ? 'never' : 'not-meant');
  const hold = (reason: HeldReason): Verdict => ({ kind: 'hold', why, reason });
  if (message.timeMs < facts.nowMs - facts.ageMsMax) return hold('too-old');
  if (message.marks.hops >= facts.hopsMax) return hold('hops-spent');
  if (facts.isInboxFull()) return hold('inbox-full');
  return facts.hasBudget() ? { kind: 'wake', why } : hold('budget-spent');
}
