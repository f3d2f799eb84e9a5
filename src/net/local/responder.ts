/**
 * Local discovery on one interface: `bonjour-service` announces the daemon and browses for others, on a socket behind a
 * {@link PacketDoor}.
 *
 * The library probes for a second before it announces (RFC 6762 section 8.1). Nothing is let in meanwhile: names come
 * from keys, so nobody else has ours, and whoever says so only wants to silence us (the library would print an error and
 * give up). The pause is also when the records become our own: the library's tell all addresses of the machine.
 */
import { Bonjour, type Browser, type Service } from 'bonjour-service';
import { NET_LIMITS } from '../net-limits.ts';
import {
  type Announcer,
  announcementRecords,
  announcementText,
  hostName,
  instanceName,
  type LocalFinding,
  namesOfInterest,
  readAnnouncement,
  SERVICE_TYPE,
} from './announcement.ts';
import type { LocalInterface } from './interfaces.ts';
import { PacketDoor, type PacketSocket } from './packet-door.ts';

export interface ResponderOptions {
  readonly socket: PacketSocket;
  readonly own: Announcer;
  readonly at: LocalInterface;
  readonly monotonicMs: () => number;
  readonly onFound: (finding: LocalFinding) => void;
  /** see {@link PacketDoor} */
  readonly onTrouble: (detail: string) => void;
  readonly onBroken: (detail: string) => void;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #door: PacketDoor;
  readonly #bonjour: Bonjour;
  #browser: Browser | undefined;
  #isStopped = false;

  constructor(options: ResponderOptions) {
    const { own, at } = options;
    this.#options = options;
    this.#door = new PacketDoor({ ...options, names: namesOfInterest(own) });
    // The library hands its options on to `multicast-dns`, which its types do not know.
    const passed: object = { socket: this.#door, multicast: false };
    this.#bonjour = new Bonjour(passed, () => undefined); // the door tells what fails
    const service = this.#bonjour.publish({
      name: instanceName(own.peer),
      type: SERVICE_TYPE,
      protocol: 'tcp',
      port: own.port,
      host: hostName(own.peer),
      txt: announcementText(own),
      probe: true,
    });
    service.records = () => announcementRecords(own, at);
    service.once('up', () => {
      if (this.#isStopped) return;
      this.#door.open();
      this.ask();
    });
  }

  /** Asks who is there. What was heard so far is forgotten, so that everybody who answers is a finding again. */
  ask(): void {
    if (!this.#isStopped) this.#browse();
  }

  /** Peers that are announced on this interface now, ids. */
  peers(): Set<string> {
    const { own, at } = this.#options;
    const found = this.#browser?.services.map((service) => readAnnouncement(service, own, at)) ?? [];
    return new Set(found.flatMap((finding) => (finding === undefined ? [] : [finding.peer])));
  }

  #browse(): void {
    this.#browser?.stop();
    const browser = this.#bonjour.find({ type: SERVICE_TYPE, protocol: 'tcp' });
    this.#browser = browser;
    const hear = (service: Service): void => this.#hear(browser, service);
    browser.on('up', hear);
    browser.on('srv-update', hear);
    browser.on('txt-update', hear);
  }

  #hear(browser: Browser, service: Service): void {
    if (this.#isStopped || browser !== this.#browser) return;
    const { own, at, onFound } = this.#options;
    const finding = readAnnouncement(service, own, at);
    if (finding !== undefined) onFound(finding);
    // The library's list has no end of its own. Beginning anew, and not going deaf, lets newcomers in during a flood.
    if (browser.services.length >= NET_LIMITS.localServicesMax) this.#browse();
  }

  /** Says goodbye and closes the socket. @returns when it is closed; the caller limits how long that may take */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#door.leave();
    this.#browser?.stop();
    await new Promise<void>((resolve) => this.#bonjour.unpublishAll(() => resolve()));
    await new Promise<void>((resolve) => this.#bonjour.destroy(() => resolve()));
  }
}
