/**
 * Names and limits of the OpenClaw channel plugin. Each number says where it comes from.
 */

/** Id of the channel and of the plugin: the key below `channels` and below `plugins.entries`. */
export const CHANNEL_ID = 'mesh';
export const CHANNEL_LABEL = 'Mesh';
export const PLUGIN_NAME = 'Mesh messaging';
export const PLUGIN_DESCRIPTION = 'Lets an OpenClaw agent take part in a mesh through its local daemon.';

/** How the plugin names itself to the daemon: a second gateway under this name takes the inbox over. */
export const CLIENT_NAME = 'openclaw';

const SECOND = 1000;

export const BRIDGE_LIMITS = {
  /**
   * characters of one published message: 8000 of four bytes each are half of the largest message (derived)
   */
  textCharsDefault: 8000,
  /** below this a sentence does not fit (guess) */
  textCharsMin: 200,
  /** 15,000 characters of four bytes each still fit into one message of 64 KiB (derived) */
  textCharsMax: 15_000,
  /** messages that answer one item (LIMITS.answerPartsMax of the daemon, which has the last word; a test compares) */
  partsMax: 64,
  /** bytes of a channel name (LIMITS.channelBytesMax, likewise) */
  channelBytesMax: 128,
  /** items that are handed over and not acknowledged: a few conversations at once (guess) */
  inFlightMax: 16,
  /**
   * items whose end is remembered after the acknowledgement: they can only come again within a reconnect
   * (guess)
   */
  rememberedMax: 64,
  /** waits between two tries to hand an item over or to reach the daemon */
  backoffFirstMs: 1 * SECOND,
  backoffMaxMs: 30 * SECOND,
  /** a connection that lasted so long was a good one (guess) */
  lastingMs: 30 * SECOND,
  /**
   * after this an item that never began a turn is given back: OpenClaw's own start takes up to 40 s
   * (measured)
   */
  handOverMs: 300 * SECOND,
  /** after this an answer that the daemon does not take is reported to OpenClaw as failed */
  publishMs: 300 * SECOND,
  /**
   * how long a turn is waited for whose answer does not come out of a dispatch, and how often that is looked
   * at (guess)
   */
  turnMs: 600 * SECOND,
  turnPollMs: 1 * SECOND,
  /** "is typing" is said again so often: three times before the daemons forget it (LIMITS.ephemeralMs) */
  typingMs: 20 * SECOND,
  /** messages that `mesh_read` returns, and characters of each */
  readDefault: 20,
  readMax: 100,
  readBodyCharsMax: 4000,
  /** and of all together: what fits into an agent's context beside everything else (guess) */
  readCharsMax: 40_000,
} as const;
