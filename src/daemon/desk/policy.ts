/**
 * Who may wake the agent and where: the owner's words, kept in the store and in memory, checked here once for every
 * door. Nothing that comes from the mesh changes them.
 */
import { idFromText } from '../../core/bytes.ts';
import { agentName, NAME_LENGTH_MAX, type WakeRule } from '../../core/contact/wake.ts';
import { MeshError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { isUsablePoint } from '../../core/message/signature.ts';
import type { ContactRow, InboxRow, InboxStore, WakeRow } from '../../store/index.ts';
import { isoTime } from '../views.ts';
import type { ContactView, WakeRequest, WakeView } from './views.ts';

export interface PolicyParts {
  /** id text of the agent's identity */
  readonly identity: string;
  readonly inbox: InboxStore;
  readonly wallMs: () => number;
  /** something is about to change: what was looked at so far was judged by the old words */
  readonly beforeChange: () => void;
  /** something changed */
  readonly onChange: () => void;
}

function contactView({ other, tier, name, sinceMs }: ContactRow): ContactView {
  return { identity: other, name: name === '' ? null : name, tier, since: isoTime(sinceMs) };
}

function wakeView({ channel, mode, names }: WakeRow): WakeView {
  return { channel, wake: mode, names };
}

/** A name for people: one line, no control characters, no spaces at its ends, and no commas, which part names in lists. */
function checkedName(text: string): string {
  const name = text.normalize('NFC');
  const isName = name.isWellFormed() && name.trim() === name && !/[\p{C}\p{Zl}\p{Zp},]/u.test(name);
  if (isName && name.length >= 1 && name.length <= NAME_LENGTH_MAX && idFromText(name) === undefined)
    return name;
  throw new MeshError(
    'bad_request',
    `name: must be 1 to ${NAME_LENGTH_MAX} characters on one line, no comma, and no id.`,
  );
}

function checkedNames(names: readonly string[]): string[] {
  if (names.length > LIMITS.agentNamesMax)
    throw new MeshError(
      'bad_request',
      `names: ${names.length}, at most ${LIMITS.agentNamesMax} are allowed.`,
    );
  const known = names.map((name) => {
    const checked = agentName(name.startsWith('@') ? name.slice(1) : name);
    if (checked !== undefined) return checked;
    const rule = `1 to ${NAME_LENGTH_MAX} letters, digits, _ and -`;
    throw new MeshError('bad_request', `names: ${JSON.stringify(name.slice(0, 80))} must be ${rule}.`);
  });
  return [...new Set(known)];
}

export class Policy {
  readonly #parts: PolicyParts;
  readonly #contacts: Map<string, ContactRow>;
  readonly #wakes: Map<string, WakeRow>;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    const { inbox, identity } = parts;
    this.#contacts = new Map(inbox.contacts(identity).map((row) => [row.other, row]));
    this.#wakes = new Map(inbox.wakes(identity).map((row) => [row.channel, row]));
  }

  get contacts(): ContactView[] {
    return [...this.#contacts.values()].sort((a, b) => a.sinceMs - b.sinceMs).map(contactView);
  }

  get wakes(): WakeView[] {
    return [...this.#wakes.values()].map(wakeView);
  }

  get channels(): string[] {
    return [...this.#wakes.keys()];
  }

  isAllowed(author: string): boolean {
    return this.#contacts.get(author)?.tier === 'allowed';
  }

  nameOf(author: string): string | null {
    return this.#contacts.get(author)?.name || null;
  }

  /** The rule that holds for a message with this arrival number. */
  ruleFor(channel: string, arrival: number): WakeRule {
    const row = this.#wakes.get(channel);
    return row === undefined || arrival <= row.after ? { mode: 'never', names: [], sinceMs: 0 } : row;
  }

  /** Whether a message that was let in for this reason would be let in now, by its author and channel. */
  isWanted({ author, channel, why }: Pick<InboxRow, 'author' | 'channel' | 'why'>): boolean {
    const mode = this.#wakes.get(channel)?.mode;
    return this.isAllowed(author) && mode !== undefined && (why !== 'channel' || mode === 'always');
  }

  /** The lowest arrival number after which a channel wakes. */
  get since(): number {
    return Math.min(...[...this.#wakes.values()].map((row) => row.after));
  }

  /** See `AgentGate.allow`. @param own local identities */
  allow(
    request: { identity: string; name?: string },
    own: readonly string[],
  ): ContactView & { isNew: boolean } {
    const { identity: other } = request;
    const key = idFromText(other);
    if (key === undefined || !isUsablePoint(key))
      throw new MeshError('bad_request', `${JSON.stringify(other.slice(0, 64))} is not an identity.`);
    if (own.includes(other))
      throw new MeshError('bad_request', 'This identity is of this daemon; it needs no permission here.');
    const before = this.#contacts.get(other);
    if (before === undefined && this.#contacts.size >= LIMITS.contactsMax)
      throw new MeshError('bad_request', `There are ${LIMITS.contactsMax} contacts already.`);
    const name = request.name === undefined ? (before?.name ?? '') : checkedName(request.name);
    const holder = this.contacts.find((contact) => contact.name === name && contact.identity !== other);
    if (name !== '' && holder !== undefined)
      throw new MeshError('bad_request', `The name ${JSON.stringify(name)} is that of ${holder.identity}.`);
    const sinceMs = before?.sinceMs ?? this.#parts.wallMs();
    const row: ContactRow = { other, tier: 'allowed', name, sinceMs };
    this.#parts.beforeChange();
    this.#parts.inbox.setContact(this.#parts.identity, row);
    this.#contacts.set(other, row);
    this.#parts.onChange();
    return { ...contactView(row), isNew: before === undefined };
  }

  /** See `AgentGate.removeContact`. */
  remove(other: string): { identity: string; wasContact: boolean } {
    if (!this.#contacts.has(other)) return { identity: other, wasContact: false };
    this.#parts.beforeChange();
    this.#parts.inbox.removeContact(this.#parts.identity, other);
    this.#contacts.delete(other);
    this.#parts.onChange();
    return { identity: other, wasContact: true };
  }

  /**
   * Sets what of a channel wakes. What was written before does not, whether it is here already or comes later: nobody
   * listened then.
   * @param channel in its one spelling
   * @param head the highest arrival number
   */
  setWake(channel: string, { wake, names }: WakeRequest, head: number): WakeView {
    const { inbox, identity, wallMs, beforeChange, onChange } = this.#parts;
    const before = this.#wakes.get(channel);
    if (wake === 'never') {
      this.forget(channel);
      return { channel, wake, names: [] };
    }
    const checked = names === undefined ? (before?.names ?? []) : checkedNames(names);
    if (before === undefined && this.#wakes.size >= LIMITS.wakeChannelsMax)
      throw new MeshError('bad_request', `${LIMITS.wakeChannelsMax} channels wake the agent already.`);
    const since = { after: before?.after ?? head, sinceMs: before?.sinceMs ?? wallMs() };
    const row: WakeRow = { channel, mode: wake, names: checked, ...since };
    beforeChange();
    inbox.setWake(identity, row);
    this.#wakes.set(channel, row);
    onChange();
    return wakeView(row);
  }

  /** The channel wakes nobody any more. */
  forget(channel: string): void {
    if (!this.#wakes.has(channel)) return;
    this.#parts.beforeChange();
    this.#parts.inbox.removeWake(this.#parts.identity, channel);
    this.#wakes.delete(channel);
    this.#parts.onChange();
  }
}
