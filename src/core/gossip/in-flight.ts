/**
 * Work on messages whose verification or look-up is under way, found by (id, signature): a junk signature delays nobody's
 * genuine copy. Signatures are compared, not made part of a key: their text would cost more than all the rest here.
 */
import { equal } from '../bytes.ts';
import type { Message } from '../message/message.ts';

export class InFlight<Work extends { readonly message: Message }> {
  /** by id text; more than one only where somebody sent a forgery */
  readonly #works = new Map<string, Work[]>();

  find(message: Message): Work | undefined {
    const works = this.#works.get(message.idText);
    return works?.find((work) => equal(work.message.signature, message.signature));
  }

  add(work: Work): void {
    const { idText } = work.message;
    const works = this.#works.get(idText);
    if (works) works.push(work);
    else this.#works.set(idText, [work]);
  }

  has(work: Work): boolean {
    return this.#works.get(work.message.idText)?.includes(work) ?? false;
  }

  remove(work: Work): void {
    const { idText } = work.message;
    const works = this.#works.get(idText);
    if (!works?.includes(work)) return;
    if (works.length === 1) this.#works.delete(idText);
    else works.splice(works.indexOf(work), 1);
  }
}
