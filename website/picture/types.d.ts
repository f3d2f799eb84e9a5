/** Shapes that the scripts of the picture share. They are classic scripts, because modules do not load from `file://`. */

/** A frame on its way over one link. `messages` are the numbers of the messages that it is about. */
export interface Frame {
  readonly type: 'push' | 'stored' | 'announce' | 'fetch' | 'fetched' | 'compare';
  readonly from: string;
  readonly to: string;
  readonly messages: readonly number[];
  /** push: the relay whose tree the copy follows; null from a leaf, which means "you are the root" */
  readonly root: string | null;
  /** fetch, fetched: what made the asker ask */
  readonly why: 'announced' | 'catch-up' | null;
  /** counts up; two frames of one moment arrive in this order */
  readonly sequence: number;
  /** ms of the picture's own clock */
  readonly sent: number;
  readonly at: number;
}

/** An id was announced to `node`; at `at` it asks for the message if that did not come by itself. */
export interface Want {
  readonly type: 'want';
  readonly node: string;
  readonly message: number;
  readonly sequence: number;
  readonly at: number;
}

export interface Relay {
  readonly kind: 'relay';
  readonly id: string;
  isOn: boolean;
  /** numbers of the messages on its disk */
  readonly has: Set<number>;
  /** leaves that asked it to keep the channel for them */
  readonly mailboxes: Set<string>;
  /** a message was published here, so the channel is held for seven days */
  carries: boolean;
  /** roots under which a message was passed on: at most three, each once */
  readonly roots: Map<number, Set<string>>;
  /** messages that its leaves were given */
  readonly served: Set<number>;
  readonly announcers: Map<number, string[]>;
}

export type DeliveryState = 'queued' | 'relayed' | 'stored';

export interface Leaf {
  readonly kind: 'leaf';
  readonly id: string;
  isOn: boolean;
  /** whether it has joined the channel of the picture */
  readonly joined: boolean;
  /** relays that it is linked with; the first is the live one */
  homes: string[];
  /** relays that it would dial, in this order */
  knows: string[];
  readonly has: Set<number>;
  /** own messages and how far they got */
  readonly own: Map<number, DeliveryState>;
  readonly announcers: Map<number, string[]>;
}

export type MeshNode = Relay | Leaf;

/** What happened, for the words below the picture. */
export type MeshEvent =
  | {
      readonly type: 'signed';
      readonly leaf: string;
      readonly relay: string | null;
      readonly message: number;
    }
  | {
      readonly type: 'rooted';
      readonly relay: string;
      readonly message: number;
      readonly children: readonly string[];
    }
  | {
      readonly type: 'passed';
      readonly relay: string;
      readonly message: number;
      readonly children: readonly string[];
    }
  | { readonly type: 'stored'; readonly leaf: string; readonly relay: string; readonly message: number }
  | { readonly type: 'kept'; readonly relay: string; readonly leaf: string; readonly message: number }
  | {
      readonly type: 'arrived';
      readonly leaf: string;
      readonly relay: string;
      readonly message: number;
      readonly how: 'pushed' | 'announced' | 'catch-up';
    }
  | { readonly type: 'lost'; readonly from: string; readonly to: string; readonly message: number }
  | { readonly type: 'off'; readonly relay: string }
  | { readonly type: 'on'; readonly relay: string }
  | { readonly type: 'away'; readonly leaf: string; readonly relays: readonly string[] }
  | { readonly type: 'back'; readonly leaf: string; readonly relay: string | null }
  | {
      readonly type: 'moved';
      readonly leaf: string;
      readonly relay: string | null;
      readonly again: readonly number[];
    };

export interface Mesh {
  /** ms of the picture's own clock */
  now: number;
  readonly nodes: Map<string, MeshNode>;
  /** overlay links that exist, as `R1 R2`, the smaller id first */
  readonly overlay: Set<string>;
  /** overlay links that come up whenever both ends are on */
  readonly planned: ReadonlySet<string>;
  pending: (Frame | Want)[];
  sequence: number;
  /** when each message was signed; its length is the number of messages */
  readonly signedAt: number[];
  heartbeatAt: number;
  events: MeshEvent[];
}

export interface MeshMap {
  linkKey(a: string, b: string): string;
  neighbours(mesh: Mesh, relay: string): string[];
  /** the parent of each relay that the root reaches */
  tree(mesh: Mesh, root: string): Map<string, string>;
  holds(node: MeshNode): boolean;
  isLinked(mesh: Mesh, a: string, b: string): boolean;
  /** children of `relay` in the tree of `root` below which somebody is interested */
  wantedChildren(mesh: Mesh, relay: string, root: string): string[];
  leavesOf(mesh: Mesh, relay: string): Leaf[];
  relays(mesh: Mesh): Relay[];
  leaves(mesh: Mesh): Leaf[];
}

type FrameDraft = Partial<Frame> & Pick<Frame, 'type' | 'from' | 'to' | 'messages'>;

export interface MeshCatchUp {
  readonly HOP_MS: number;
  readonly SETTLED_MS: number;
  nodeOf(mesh: Mesh, id: string): MeshNode;
  tell(mesh: Mesh, event: MeshEvent): void;
  /** sends a frame over a link; it arrives one hop later */
  transmit(mesh: Mesh, frame: FrameDraft): void;
  /** all links that exist, as pairs of ids */
  links(mesh: Mesh): [string, string][];
  /** whether two ends share the channel and differ in messages signed up to `before` */
  isDifferent(mesh: Mesh, one: string, other: string, before: number): boolean;
  compare(mesh: Mesh, one: string, other: string, before: number): void;
  startHolding(mesh: Mesh, relay: Relay, change: () => void): void;
  noteAnnounced(mesh: Mesh, node: MeshNode, frame: Frame): void;
  askAnnouncer(mesh: Mesh, want: Want): void;
  answerFetch(mesh: Mesh, node: MeshNode, frame: Frame): void;
  pullLacking(mesh: Mesh, node: MeshNode, frame: Frame): void;
}

export interface MeshModel {
  readonly HOP_MS: number;
  create(): Mesh;
  send(mesh: Mesh, leaf: string): void;
  toggle(mesh: Mesh, node: string): void;
  advance(mesh: Mesh, now: number): void;
  isQuiet(mesh: Mesh): boolean;
  takeEvents(mesh: Mesh): MeshEvent[];
}

export interface MeshWords {
  /** one sentence or two; the same text for eyes and for screen readers */
  event(event: MeshEvent): string;
  state(mesh: Mesh, node: MeshNode): string;
  /** what a press does, as words before and after the name of the node */
  press(node: MeshNode): [string, string];
}

/** A place in the stage, as parts of its width and height. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface MeshView {
  /** Shows the mesh as it is at this moment of its clock. */
  draw(mesh: Mesh): void;
}

declare global {
  var meshMap: MeshMap;
  var meshCatchUp: MeshCatchUp;
  var meshModel: MeshModel;
  var meshWords: MeshWords;
  /** Fills the stage with the nodes of a mesh; `press` is called when somebody activates one. */
  var meshView: (stage: HTMLElement, mesh: Mesh, press: (id: string) => void) => MeshView;
}
