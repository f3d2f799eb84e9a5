/**
 * Nothing forged is passed on: every message that an honest peer sends is genuine, also where it only crosses it and is
 * never stored, and every record that it sends is signed by the relay that it is about. So a forgery ends at the first
 * honest peer.
 */
import { concat, idFromText, utf8 } from '../core/bytes.ts';
import { decodeRecord, recordPurpose } from '../core/membership/records.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { Checked, Checker } from './checker.ts';
import type { Host } from './host.ts';
import { SIM_NETWORK } from './network.ts';

type Records = Extract<Frame, { type: 'records' }>['records'];

export class PassedOnChecker implements Checker {
  readonly #world: Checked;

  constructor(world: Checked) {
    this.#world = world;
  }

  sending(host: Host, frame: Frame): void {
    if (frame.type === 'records') this.#checkRecords(host, frame.records);
    if (frame.type !== 'push' && frame.type !== 'fetched') return;
    for (const message of frame.messages) {
      if (this.#world.isGenuine(message)) continue;
      this.#fail(host, `${message.idText}, which nobody published like that: ${message.body.slice(0, 80)}`);
    }
  }

  #checkRecords(host: Host, records: Records): void {
    for (const { bytes, signature } of records) {
      const content = decodeRecord(bytes);
      const publicKey = content && idFromText(content.peer);
      if (content === undefined || publicKey === undefined) return this.#fail(host, 'a record that is none');
      const data = concat(utf8(`mesh/2 ${recordPurpose(content.kind)}\0${SIM_NETWORK}\0`), bytes);
      if (!this.#world.isSigned({ data, signature, publicKey }))
        this.#fail(host, `a record about ${content.peer} that it did not sign`);
    }
  }

  #fail(host: Host, what: string): never {
    throw this.#world.failure('forged', `${host.name} passes on ${what}`, [host.name]);
  }

  end(): void {
    // Only moments are checked.
  }
}
