/** What a daemon is started with, what it gives back, and the shape of the door that is given to it from outside. */
import type { LinkId, Now } from '../core/contract.ts';
import type { Overview } from '../core/explain/overview.ts';
import type { PeerConfig } from '../core/peer-types.ts';
import type { Explainer } from './explain/why.ts';
import type { Gate } from './gate.ts';
import type { Lines } from './log.ts';
import type { Environment } from './options.ts';
import type { Core, Log } from './runner.ts';

/** What answers clients: the HTTP API. The daemon knows only this of it, so that doors depend on the daemon. */
export interface Door {
  /** @returns the port it listens on; `moved` if the default one was taken. Throws MeshError `port_in_use` */
  listen(
    host: string,
    port: number,
    fixed: boolean,
  ): Promise<{ readonly port: number; readonly moved: boolean }>;
  /** Refuses with `stopping` what comes from now on. @returns when everything that was taken is answered */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export type CreateDoor = (parts: {
  readonly gate: Gate;
  readonly log: Log;
  readonly version: string;
  /** absolute path: the token lies there */
  readonly dataFolder: string;
}) => Door;

/** The core as the daemon uses it: `Peer`, or a broken one in tests. */
export interface DaemonCore extends Core, Explainer {
  /** the proven peer at the other end of a link, '' for none */
  peerOf(link: LinkId): string;
  /** the map as it knows it; '' for no channel */
  overview(channel: string, now: Now): Overview;
}

export interface StartOptions {
  /** absolute path */
  readonly dataFolder: string;
  readonly env: Environment;
  /** folder that relative paths in the options start from */
  readonly cwd: string;
  readonly stdout: Lines;
  /** gets the log of a daemon with a start screen, if MESH_LOG_LEVEL is set */
  readonly stderr: Lines;
  /** show the screen for people instead of JSON lines */
  readonly isTty: boolean;
  readonly createDoor: CreateDoor;
  /** how a command is called in hints, such as `npx mesh --data /path`; default `npx mesh` */
  readonly command?: string;
  /** for tests; default `Peer` */
  readonly createCore?: (config: PeerConfig) => DaemonCore;
}

export interface Daemon {
  readonly gate: Gate;
  /** URLs for peers and for clients */
  readonly listen: { readonly peer: string; readonly api: string };
  /** Ends in order, within 5 s; may be called again. */
  stop(): Promise<void>;
  /** the exit code, once it has ended: 0 after `stop`, 1 after a mistake in the program */
  readonly ended: Promise<number>;
}
