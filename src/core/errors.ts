/**
 * The one error table. A code is stable and is never given a second meaning. The same code is used in frames, in HTTP
 * problem documents, on the command line and in logs; `do` is the sentence that tells a person what to do.
 *
 * `at`: where the code can appear. `http`: status of the problem document, or the closest one where it never is one.
 */
import { COMMAND_ERRORS, type ErrorRow } from './command-errors.ts';

const table = {
  // links
  unsupported_version: {
    title: 'The other side speaks no protocol version that we speak.',
    do: 'Update the older of the two daemons. For a mesh/1 peer: do not set MESH_MESH1=0 on this side.',
    http: 505,
    at: 'link',
  },
  wrong_network: {
    title: 'The other side belongs to another network.',
    do: 'Set the same MESH_NETWORK on both sides, or take the address off MESH_PEERS.',
    http: 409,
    at: 'link',
  },
  invalid_message: {
    title: 'A handshake or frame was not understood.',
    do: 'Nothing to do on this side: the frame was dropped. If it repeats, report it with the version of both daemons.',
    http: 400,
    at: 'link',
  },
  unauthorized: {
    title: 'The other side could not prove the id that it claims.',
    do: 'Check that the address leads to the daemon you mean; somebody may sit in between.',
    http: 401,
    at: 'link',
  },
  handshake_timeout: {
    title: 'The handshake was not finished in time.',
    do: 'Check that the address belongs to a mesh daemon and that the network is not overloaded.',
    http: 408,
    at: 'link',
  },
  self_link: {
    title: 'The address leads back to this daemon.',
    do: 'Take the own address off MESH_PEERS or the bootstrap list; nothing is lost.',
    http: 409,
    at: 'link',
  },
  duplicate_link: {
    title: 'There is already a link with this peer; one is enough.',
    do: 'Nothing to do.',
    http: 409,
    at: 'link',
  },
  duplicate_peer: {
    title: 'Two running daemons use the same peer key.',
    do: 'Stop one of them, or give it a data folder and keys of its own (a copied backup is the usual cause).',
    http: 409,
    at: 'link',
  },
  too_many_links: {
    title: 'The peer has as many links, or as many other relays as neighbours, as it accepts.',
    do: 'Nothing to do: the daemon tries other peers and comes back later.',
    http: 503,
    at: 'link',
  },
  not_needed: {
    title: 'The link was a test of the address, and went well.',
    do: 'Nothing.',
    http: 409,
    at: 'link',
  },
  visit_over: {
    title: 'The visit is over: what both sides hold has been compared.',
    do: 'Nothing.',
    http: 409,
    at: 'link',
  },
  too_slow: {
    title: 'The other side did not read fast enough and the send queue overflowed.',
    do: 'Nothing to do: the link is made again and catch-up fetches what was dropped.',
    http: 503,
    at: 'link',
  },
  record_damaged: {
    title: 'What came over a sealed link is not what the other side sent.',
    do: 'Somebody on the way changed, repeated or left out something; nothing of it was used. The link is made again. If it lasts, use another network, or a wss:// address.',
    http: 400,
    at: 'link',
  },
  timed_out: {
    title: 'The other side fell silent.',
    do: 'Nothing to do: the daemon dials again.',
    http: 504,
    at: 'link',
  },
  banned: {
    title: 'The peer broke the protocol too often and is kept out for an hour.',
    do: 'Update the daemon on that side; if it is yours, "mesh logs" there may show why.',
    http: 403,
    at: 'link',
  },
  invalid_signature: {
    title: 'A message carried a signature that its author did not make.',
    do: 'Nothing to do: it was refused. The peer that sent it is counted.',
    http: 400,
    at: 'link',
  },
  unsolicited: {
    title: 'An answer came that was never asked for.',
    do: 'Nothing to do: it was refused.',
    http: 400,
    at: 'link',
  },

  // requests of clients
  bad_request: {
    title: 'The request is not valid.',
    do: 'Mend the field that the detail names.',
    http: 400,
    at: 'api',
  },
  bad_channel: {
    title: 'This is not a channel that can be written or read.',
    do: 'Use a name of 1 to 128 bytes without control characters, without spaces at its ends, not starting with @, ~, inbox: or dm:.',
    http: 400,
    at: 'api',
  },
  message_too_large: {
    title: 'The message is larger than 64 KiB.',
    do: 'Split it, or send a link to the content.',
    http: 413,
    at: 'api',
  },
  bad_payload: {
    title: 'The payload is not JSON.',
    do: 'Give JSON text, for example --payload \'{"a":1}\'.',
    http: 400,
    at: 'api',
  },
  bad_text: {
    title: 'The text is not well-formed Unicode.',
    do: 'Send UTF-8 without lone surrogates.',
    http: 400,
    at: 'api',
  },
  unauthenticated: {
    title: 'The token is missing or wrong.',
    do: 'Send "Authorization: Bearer TOKEN" with the content of the file "token" in the data folder.',
    http: 401,
    at: 'api',
  },
  forbidden: {
    title: 'The grant does not allow this.',
    do: 'Use a grant with the scope that the detail names.',
    http: 403,
    at: 'api',
  },
  forbidden_origin: {
    title: 'Requests from web pages or under another host name are refused.',
    do: 'Call the API under 127.0.0.1 or localhost, from a program and not from a web page.',
    http: 403,
    at: 'api',
  },
  not_found: {
    title: 'There is nothing under this path or id.',
    do: 'Check the spelling of the path or id; "mesh status" says what the daemon has.',
    http: 404,
    at: 'api',
  },
  method_not_allowed: {
    title: 'This path does not take this method.',
    do: 'Use the method that the Allow header names.',
    http: 405,
    at: 'api',
  },
  unsupported_media_type: {
    title: 'The body must be JSON.',
    do: 'Send "Content-Type: application/json".',
    http: 415,
    at: 'api',
  },
  body_too_large: {
    title: 'The request body is larger than 1 MiB.',
    do: 'Send less at once.',
    http: 413,
    at: 'api',
  },
  idempotency_conflict: {
    title: 'The idempotency key was used for a different message.',
    do: 'Use a new key for a new message.',
    http: 409,
    at: 'api',
  },
  too_many_requests: {
    title: 'More is in progress than the daemon keeps at once.',
    do: 'Wait for answers before sending more.',
    http: 429,
    at: 'api',
  },
  inbox_taken: {
    title: 'Another client takes from this inbox.',
    do: 'Stop the client that the detail names, or attach under its name to take its place.',
    http: 409,
    at: 'api',
  },
  turns_spent: {
    title: 'The agent was not woken: a contact or channel has used up its turns for this hour or day.',
    do: 'Look at "mesh inbox". If two agents talk in circles, nothing is to do; else raise MESH_TURNS_HOUR or MESH_TURNS_DAY and start the daemon again.',
    http: 429,
    at: 'both',
  },
  wait_timeout: {
    title: 'The message did not reach the state waited for in time.',
    do: 'It is kept and goes on by itself; look at its state again later.',
    http: 504,
    at: 'api',
  },
  stopping: {
    title: 'The daemon is stopping.',
    do: 'Start it again and repeat the request with the same idempotency key.',
    http: 503,
    at: 'api',
  },
  internal: {
    title: 'The daemon made a mistake.',
    do: 'Look into its log ("mesh logs") for the same time and report it.',
    http: 500,
    at: 'api',
  },

  // store
  store_failed: {
    title: 'The database could not be written or read.',
    do: 'Check free space and permissions of the data folder; nothing that was confirmed is lost.',
    http: 507,
    at: 'both',
  },
  store_full: {
    title: 'There is no room for more messages.',
    do: 'Leave channels or give them a shorter retention (see "mesh channels"), or free disk space. Own messages go only by age, and what came within the running hour goes only after it: then raise MESH_STORE_BYTES and start the daemon again.',
    http: 507,
    at: 'api',
  },
  store_newer: {
    title: 'The database was written by a newer version.',
    do: 'Start the newer version, or use another data folder; this version has not touched it.',
    http: 500,
    at: 'start',
  },
  store_locked: {
    title: 'Another daemon uses this data folder.',
    do: 'Stop it first, or give this one a folder of its own with --data.',
    http: 500,
    at: 'start',
  },
  messages_damaged: {
    title: 'Stored messages were damaged on the disk.',
    do: 'Nothing, for those that others have: they are hidden, and fetched again from neighbours. What you sent and nobody had confirmed may be nowhere else: send it again. If more are found later, the disk may be failing: move the data folder to another one.',
    http: 500,
    at: 'both',
  },
  store_recovered: {
    title: 'The database was damaged and has been made anew.',
    do: 'Look at what is missing: joined channels, contacts, what you sent last. Messages are fetched again from neighbours. When nothing is missed, delete the folder with the damaged files. If it happens again, the disk may be failing: move the data folder to another one.',
    http: 500,
    at: 'both',
  },
  store_damaged: {
    title: 'The database is not readable.',
    do: 'Restart the daemon: it keeps the damaged files aside and makes a new database of all that can still be read; what is missing is fetched again from neighbours. If the start is refused, do what it says, or put a backup in the place of the file and its -wal and -shm: the keys are separate files and stay valid. "mesh doctor" says more.',
    http: 500,
    at: 'both',
  },

  // start
  bad_option: {
    title: 'An option has a value that cannot be used.',
    do: 'Mend the option that the detail names; env.example lists all of them.',
    http: 500,
    at: 'start',
  },
  port_in_use: {
    title: 'A port that was set is taken by another program.',
    do: 'Free it or set another one; without a setting the daemon takes the next free port.',
    http: 500,
    at: 'start',
  },
  out_of_files: {
    title: 'This process may open no more files and sockets.',
    do: 'Raise its limit ("LimitNOFILE" in a unit, "ulimit -n" in a shell; 1024 are enough) and start it again. A running daemon goes on with the links that it has.',
    http: 503,
    at: 'both',
  },
  clock_back: {
    title: 'The clock of this machine was set back.',
    do: 'Check that it is right now; "mesh doctor" compares it with others. Nothing is lost and sending goes on; until the clock has caught up, what is sent stands above what was sent before, and what others date more than ten minutes ahead is taken only when its time has come.',
    http: 500,
    at: 'both',
  },
  key_unreadable: {
    title: 'A key file cannot be read.',
    do: 'Restore the file from a backup or mend its permissions; it is never overwritten.',
    http: 500,
    at: 'start',
  },
  key_exposed: {
    title: 'A private key or token can be read by other users.',
    do: 'Run the chmod command that the detail names.',
    http: 500,
    at: 'start',
  },
  data_folder: {
    title: 'The data folder cannot be used.',
    do: 'Make it writable for this user, or name another one with --data.',
    http: 500,
    at: 'start',
  },
  node_too_old: {
    title: 'This version of Node is too old.',
    do: 'Install Node 24.16 or newer, or run npm install in the checkout, which brings one along.',
    http: 500,
    at: 'start',
  },
  ...COMMAND_ERRORS,

  // bootstrap
  bootstrap_unreachable: {
    title: 'A bootstrap list could not be fetched.',
    do: 'Nothing to do: it is tried again. Check the network or MESH_BOOTSTRAP_URL if it lasts.',
    http: 502,
    at: 'both',
  },
  bootstrap_invalid: {
    title: 'A bootstrap list is not valid.',
    do: 'Tell its operator; the schema is in docs/reference/bootstrap.md.',
    http: 502,
    at: 'both',
  },
  address_refused: {
    title: 'The address is internal and came from a source that may not name it.',
    do: 'If you mean it, list it in MESH_PEERS or set MESH_ALLOW_PRIVATE=1.',
    http: 403,
    at: 'both',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof table;
export const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = table;
export const ERROR_CODES = Object.keys(table) as readonly ErrorCode[];

/** True for text that is a code of the table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(table, text);
}

/**
 * An operational failure that a person or client gets to see. `detail` says what happened in this case (no secrets);
 * the table adds what it means and what to do.
 */
export class MeshError extends Error {
  override name = 'MeshError';
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail = '', options?: { cause?: unknown }) {
    super(detail === '' ? ERRORS[code].title : `${ERRORS[code].title} ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}
