/**
 * What `docs/reference/cli.md` says beyond the definitions of the commands: what an option's value is called, longer words
 * where `--help` has short ones, and what a command prints with `--json`. A command without words here fails the test.
 */
import type { EXIT } from '../src/cli/exit.ts';
import { CHECKS } from '../src/daemon/doctor/finding.ts';
import { TAP_TYPES } from '../src/daemon/tap/taps.ts';

export interface OptionWords {
  /** what stands for its value, such as `SECONDS`; an option with a value needs it, or has choices */
  readonly value?: string;
  /** in place of the words of `--help` */
  readonly what?: string;
}

export interface CommandWords {
  /** each line of standard output with `--json` */
  readonly json: string;
  /** options and positionals, by name */
  readonly options?: Readonly<Record<string, OptionWords>>;
  /** paragraphs of Markdown below the options */
  readonly notes?: readonly string[];
}

export const GLOBAL_WORDS: Readonly<Record<string, OptionWords>> = {
  data: {
    value: 'DIR',
    what: "data folder of the daemon; else `MESH_DATA_DIR`, else `data` in a checkout, else the user's data folder (`$XDG_DATA_HOME` or `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`)",
  },
  json: {
    what: 'JSON for programs, one object a line; problems go to standard error as one object a line',
  },
};

/** The parser makes these two by itself. */
export const BUILT_IN = '`--help`, `--version`';

export const COMMAND_WORDS: Readonly<Record<string, CommandWords>> = {
  start: {
    json: 'the log, also on a terminal',
    notes: [
      'It runs in the foreground. SIGINT, SIGTERM or `mesh stop` stops it in order, a second signal at once.',
    ],
  },
  stop: {
    json: '`{"pid"}`',
    notes: [
      `What was handed over is committed and answered first. It fails with exit code 3 if no daemon runs, and with 1 if the
daemon has not ended after 20 seconds. A supervisor that started the daemon may start it again: stop it there. A
container is stopped from outside (\`docker stop\`): with its daemon it ends, and with it the command.`,
    ],
  },
  logs: {
    json: 'a line of the log: `{"level", "time", …, "phrase"}`; `{"damaged"}` for one that is not whole',
    options: {
      lines: { value: 'N' },
      since: { value: 'TIME' },
    },
    notes: [
      `It reads the files in the folder \`logs\` of the data folder, so it works whether the daemon runs or not, and however it
was started. \`MESH_LOG_FILES\` and \`MESH_LOG_FILE_BYTES\` set how much is kept, \`MESH_LOG_LEVEL\` what is written. With
\`--level\` and \`--since\` the last N of the lines that fit are shown. A line that a sudden end of the daemon has cut off is shown as damaged.`,
    ],
  },
  status: {
    json: 'a [Status](http.md#status), with `identity`, `peer`, `links`, `channels`, `lastArrival` and more',
  },
  id: { json: '`{"identity", "peer", "identities"}`' },
  join: { json: '`{"channel", "isNew"}`' },
  leave: { json: '`{"channel", "wasJoined"}`' },
  channels: {
    json: 'a [Channel](http.md#channel)',
    notes: [
      `A channel that is not joined is *carried* for a while: because it was left, or because something was sent into it
from here.`,
    ],
  },
  retention: {
    json: 'a [Channel](http.md#channel); without CHANNEL `{"defaults", "channels"}` with [RetentionDefaults](http.md#retentiondefaults) and the joined channels',
    options: {
      days: { value: 'N' },
      messages: { value: 'N' },
      size: { value: 'SIZE' },
    },
    notes: ['Without CHANNEL it shows the defaults and what holds for each joined channel.'],
  },
  send: {
    json: '`{"id", "state"}`; with `--typing` `{"channel", "run"}`; with `--lines` one for each message, in the order of the lines',
    options: {
      text: {
        what: 'the text; `-` reads it from standard input. Text that begins with `-` goes behind `--`',
      },
      lines: {
        what: 'send each line of standard input as a message, many at once over one connection, in order. A line that is refused is reported with its number and stops nothing. If the daemon ends meanwhile, the message names the first line without an answer and says how to go on',
      },
      typing: {
        what: 'send no message, but show those who follow the channel with `--live` that you are typing. It is stored nowhere, and forgotten after a minute',
      },
      wait: { what: 'wait until another peer has the message, or a relay has it on disk' },
      timeout: { value: 'SECONDS', what: 'how long to wait at most; 30 if left out, at most 3600' },
      payload: { value: 'JSON' },
      mention: {
        value: 'NAMES',
        what: "identities, or names of contacts, with commas between: whom the message is for. It wakes their agents, if they allow this daemon's identity",
      },
      reply: { value: 'ID' },
      'idempotency-key': {
        value: 'KEY',
        what: 'send one message, however often the command runs. With `--lines` each gets `KEY:LINE`, so a run that broke off can be repeated',
      },
    },
  },
  edit: {
    json: '`{"id", "state"}` of the edit',
    options: {
      message: { what: 'the whole id of an own message' },
      text: { what: 'the text that readers see from then on' },
      'idempotency-key': { value: 'KEY', what: 'send one edit, however often the command runs' },
    },
    notes: [
      'Readers see the newest edit in the place of the message, and that it was edited. It wakes no agent.',
    ],
  },
  delete: {
    json: '`{"id", "state"}` of the delete',
    options: {
      message: { what: 'the whole id of an own message' },
      'idempotency-key': { value: 'KEY', what: 'send one delete, however often the command runs' },
    },
    notes: [
      `Every peer that hears of the delete drops the content, and takes it no more; who has copied it keeps the copy. Edits of the
message are not shown any more, and their text stays with peers until they are deleted too.`,
    ],
  },
  read: {
    json: 'a [Message](http.md#message), with `id`, `arrival`, `channel`, `author`, `time`, `body`, `payload` and more; with `--follow` also a [Change](http.md#change), which has no `id`; with `--legacy` a [LegacyMessage](http.md#legacymessage)',
    options: {
      limit: {
        value: 'N',
        what: 'how many at most, any number: long answers come page by page',
      },
      before: { value: 'ID' },
      follow: {
        what: 'stay and show what comes, without gap or repeat, and what of it is edited or deleted: with `--json` a [Change](http.md#change), which has no `id`',
      },
      live: {
        what: 'with `--follow`: drafts while they are written, and who is typing, thinking or using a tool. A line of each draft shows its end; with `--json` it is an [Ephemeral](http.md#ephemeral), which has no `id`',
      },
      legacy: {
        what: 'show the unverified history that a daemon of mesh/1 left here instead; `--before` takes a `position` of it',
      },
    },
    notes: [
      `Messages stand in the order of their time. Control characters and other characters that could mislead a terminal are
written out, such as \`\\x1b\`; in JSON they are escaped. Further lines of a message are indented.`,
    ],
  },
  wait: {
    json: 'a [Message](http.md#message)',
    options: {
      after: {
        value: 'ARRIVAL',
        what: 'arrival number: what others wrote behind it is shown at once, and if there is nothing, the next message is waited for. If left out, only new messages count',
      },
      limit: { value: 'N' },
      timeout: {
        value: 'SECONDS',
        what: 'how long to wait at most, up to 3600; with 0 it only looks',
      },
    },
    notes: [
      `It ends with 0 as soon as it has shown something, and with 4 if nothing came in time. Own messages are passed over,
so that whoever answers is not woken by the answer.`,
      `Messages stand in the order of arrival at this daemon, so one that was written earlier and came late is not missed.
The \`arrival\` of the last one shown (\`--json\`) is the \`--after\` of the next call. To begin, take \`lastArrival\` of
\`mesh status --json\`.`,
    ],
  },
  why: {
    json: 'a [Why](http.md#why)',
    notes: [
      `The first line says where the message is; then come the reasons and what would help, and the path on the map: on a
relay the tree from where the message enters the mesh to the relays that want its channel, on a leaf its home relays.
It fails with \`not_found\` for an id that this daemon knows nothing of. [Where is my message](../guides/explain.md)
reads it with you.`,
      `Which links took or brought a message is remembered for the last few thousand, until the daemon is restarted. Its
state, and who confirmed it, are on disk.`,
    ],
  },
  tap: {
    json: 'an event of [`GET /v1/tap`](http.md#get-v1tap) with its `kind`',
    options: {
      peer: {
        value: 'ID',
        what: 'only the link with this peer; the first 6 characters of its id are enough. What comes before a peer has proven itself is left out then',
      },
      type: { value: 'NAMES', what: 'only frames and events with these names, with commas between' },
    },
    notes: [
      `A line has time, direction (\`in\` or \`out\`), peer, name, size and fields; ids are shortened. It needs the owner's token.
\`ping\` and \`pong\` are shown only if \`--type\` names them, or with \`--json\`. If it is read too slowly, frames are not
shown and counted; the daemon never waits for it. Ctrl-C ends it with 0.`,
      `Names: ${TAP_TYPES.map((name) => `\`${name}\``).join(', ')}.`,
    ],
  },
  allow: {
    json: 'without IDENTITY a [Contact](http.md#contact) for each; else an [Allowed](http.md#allowed), with `--remove` a [RemovedContact](http.md#removedcontact)',
    options: { name: { value: 'NAME' } },
    notes: [
      `Who is not allowed is a stranger: the agent can read what strangers write, and is never woken by it. Names are for
this machine only; \`mesh send --mention\` and the agent know them too.`,
    ],
  },
  wake: {
    json: 'a [Wake](http.md#wake), without CHANNEL one for each channel that wakes the agent',
    options: { name: { value: 'NAMES' } },
    notes: [
      `A message mentions the agent if it was sent with \`--mention\`, or if \`@\` and the agent's identity or one of its names
stand in the text. A reply to a message of the agent wakes it too. What the channel holds already wakes nobody. To leave a
channel ends its waking.`,
    ],
  },
  inbox: {
    json: 'an [InboxRow](http.md#inboxrow)',
    options: { limit: { value: 'N', what: 'the newest so many, at most 1000' } },
    notes: ['Strangers, and what is not for the agent, are not in it.'],
  },
  openclaw: {
    json: '`setup`: `{"identity", "plugin", "commands", "done"}`; `status`: an [Agent](http.md#agent) with its `identity`',
    options: {
      owner: {
        value: 'IDENTITY',
        what: 'who may run commands of the gateway such as `/status` over the mesh; it may wake the agent too. If left out, nobody may',
      },
      openclaw: { value: 'PROGRAM', what: 'name or path of the program; `openclaw` if left out' },
    },
    notes: [
      `\`setup\` runs \`openclaw plugins install\` with the plugin that comes with this program, and
\`openclaw channels add\`. It can be repeated. What these commands print goes to standard error.`,
    ],
  },
  peers: {
    json: '`{"links", "addresses"}` of [Link](http.md#link) and [Address](http.md#address); with `--graph` a [Map](http.md#map), with `--svg` `{"file"}`',
    options: {
      channel: { value: 'CHANNEL' },
      svg: { value: 'FILE' },
    },
    notes: [
      `The map is what relays say of themselves in signed records. A link counts if both of its ends name it, a relay if such
links lead to it. The tree has the shortest way from this peer to each relay, which is the way that messages take from
here; links that are not on it are listed below. A large map is folded, and what is left out is counted. A leaf keeps no
map: it shows its home relays.`,
    ],
  },
  doctor: {
    json: '`{"check", "state", "what", "mend"}`; `state` is `ok`, `warn`, `fail` or `skipped`, `mend` is empty where nothing is wrong',
    notes: [
      `It needs no running daemon, changes nothing, and asks the bootstrap lists as a start would. It ends with 1 if a check
fails.`,
      `Checks: ${CHECKS.map((check) => `\`${check}\``).join(', ')}.`,
    ],
  },
  service: {
    json: '`install`: `{"file", "dataFolder", "environmentFile", "node", "program", "pid", "changed", "unseen"}`, with `--print` the file; `remove`: `{"file", "removed"}`; `status`: `{"file", "installed", "dataFolder", "enabled", "running", "state", "pid"}`, where `installed` is `own`, `foreign` or `none`',
    notes: [
      `On Linux it is a unit of systemd: one of your user, or with \`--system\` one of the machine, which runs as the user
\`mesh\` with its data in \`/var/lib/mesh\`. The absolute paths of the data folder, of Node.js and of this program are written
into it; options come from the file that it names. On macOS it is an agent of launchd, which nobody has tested yet; on
Windows the command says what to type.`,
      `\`install\` returns when the daemon runs, and may be repeated: after an upgrade it writes the file anew. A file of the
same name that it did not write is never touched. \`status\` ends with 1 if the service does not run.`,
    ],
  },
  uninstall: {
    json: '`{"action", "path", "what", "bytes", "why", "done"}` for each file; `action` is `remove` or `keep`, `done` is null where nothing was tried',
    notes: [
      `Without \`--yes\` nothing is changed. It removes what it knows by name: the service that "mesh service install" wrote for this
folder, the database, the log, the tokens. It keeps the keys, copies of the database from before an upgrade, what mesh/1
left, options, and every file that it does not know, and says so. It follows no symbolic link. While the daemon runs it
refuses, and a folder without a token, keys or a database of a daemon is left alone. If a file cannot be removed it goes on
with the others and ends with 1; it may be repeated.`,
    ],
  },
  bootstrap: {
    json: '`{"url", "file"}`',
    notes: [
      'It serves a [bootstrap list](bootstrap.md): `MESH_BOOTSTRAP_FILE` on `MESH_BOOTSTRAP_PORT`, until it is stopped.',
    ],
  },
};

export const EXIT_WORDS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done; also if whoever read the output has gone, as with `| head`',
  failure:
    'it failed; the problem says why. With `--lines`: at least one line was refused. `doctor`: at least one check failed',
  usage: 'the command line is wrong; nothing was done',
  noDaemon: 'no daemon answers for the data folder, or it ended in the middle',
  waitTimeout:
    'a wait was in vain: the message of `send` is published and kept, its id was printed, and it did not reach the state of `--wait` in time; or no message came to `wait` in time',
};

export const SIGNAL_WORDS =
  'a signal ended it: 130 after Ctrl-C, the usual way to leave `read --follow`; 143 after SIGTERM. `tap` ends with 0 then';
