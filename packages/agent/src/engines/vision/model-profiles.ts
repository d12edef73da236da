/** How a model writes what it wants done. */
export type Grammar =
  /** Our own tools, generated from the action schema, as function calls. */
  | 'functions'
  /** Anthropic's computer tool of the version in `tool`, our other tools beside it. */
  | 'anthropic_computer'
  /** OpenAI's computer tool on the Responses API, our other tools beside it. */
  | 'openai_computer'
  /** UI-TARS: `Thought: … Action: click(start_box='(x,y)')`, text only. */
  | 'ui_tars';

/** How a model was trained to give places in a picture. */
export type CoordinateSpace =
  /** Pixels of the picture it was sent. */
  | 'pixels'
  /** Thousandths of the picture's width and height. */
  | 'thousandths'
  /** Pixels of the picture after the model's own preprocessing: sides rounded to a multiple of `resize.factor`. */
  | 'resized';

export type ModelProfile = Readonly<{
  grammar: Grammar;
  /** Version of the provider's own computer tool. */
  tool?: 'computer_20250124' | 'computer_20251124' | 'computer_toolset_20260801';
  space: CoordinateSpace;
  /** Preprocessing of models that answer in `resized`. Pixels are of the whole picture. */
  resize?: Readonly<{ factor: number; minPixels: number; maxPixels: number }>;
  image: Readonly<{
    /** Pictures beyond these are shrunk by the provider, and coordinates would no longer fit. */
    maxSidePx: number;
    maxPixels: number;
    /** The smallest the provider reads. @default 'image/jpeg', which every server does */
    mimeType?: 'image/webp';
    /**
     * Pictures kept in the conversation, the newest among them; each is sent again with every request.
     * @default 1: what an action changed is told in words
     */
    kept?: number;
  }>;
  /** Longest reply, tokens. Models that think need room for it; small servers count it against their window. */
  maxOutputTokens: number;
}>;

/** 1280 keeps menus legible and a step cheap; small text is for `zoom`. Nobody is sent more. */
const DEFAULT_IMAGE = { maxSidePx: 1280, maxPixels: 1280 * 1280 } as const;
/** Anthropic, "Vision" and "Computer use tool": at most 1568 px a side and about 1.15 megapixels before Opus 4.7. */
const ANTHROPIC_IMAGE = { maxSidePx: 1280, maxPixels: 1_150_000, mimeType: 'image/webp' } as const;
const WEBP_IMAGE = { ...DEFAULT_IMAGE, mimeType: 'image/webp' } as const;
/** Trained on the pictures of the steps before. */
const UI_TARS_IMAGE = { ...DEFAULT_IMAGE, kept: 2 } as const;
/** Qwen2.5-VL's processor (`smart_resize`): multiples of 28, 4 to 16,384 patches of 28×28 pixels. */
const QWEN25_RESIZE = { factor: 28, minPixels: 4 * 28 * 28, maxPixels: 16_384 * 28 * 28 } as const;
/** UI-TARS 1.5 (README_coordinates): the same rounding, 100 to 16,384 patches. */
const UI_TARS_RESIZE = { factor: 28, minPixels: 100 * 28 * 28, maxPixels: 16_384 * 28 * 28 } as const;

const FUNCTIONS: ModelProfile = {
  grammar: 'functions',
  space: 'pixels',
  image: DEFAULT_IMAGE,
  maxOutputTokens: 16_000,
};
const LOCAL: ModelProfile = { ...FUNCTIONS, maxOutputTokens: 2048 };
const UI_TARS: ModelProfile = { ...LOCAL, grammar: 'ui_tars', image: UI_TARS_IMAGE };
const CLOUD: ModelProfile = { ...FUNCTIONS, image: WEBP_IMAGE };
const ANTHROPIC: ModelProfile = { ...FUNCTIONS, image: ANTHROPIC_IMAGE };

/**
 * The one table of what differs between models: first match on `provider/model` in lower case wins. A model that
 * is not here gets our own tools and pixels.
 *
 * Sources, read November 2026:
 * - Anthropic: "Computer use tool" of the API docs (versions, beta headers, image limits, actions) and the tool
 *   notes of @ai-sdk/anthropic 4.0 for the toolset of the models after Opus 4.7.
 * - OpenAI: "Computer use" guide; @ai-sdk/openai 4.0 speaks its `computer` tool (not the older
 *   `computer_use_preview`). Screenshots are sent with detail `original`, so that pixels stay pixels.
 * - Google: "Image understanding" and "Computer use" of the Gemini API docs (0–1000, 0–999). Its own computer tool
 *   is only in the Interactions API of @ai-sdk/google; here Gemini gets our tools.
 * - WebP: "Vision" of the Anthropic docs, "Images and vision" of OpenAI's, "Image understanding" of Gemini's list it
 *   beside PNG and JPEG; llama.cpp's reader (stb_image) has no WebP, so local servers get PNG and JPEG.
 * - UI-TARS README and README_coordinates (1.0 and the hosted "doubao" ones 0–1000, 1.5 absolute after resizing).
 * - Qwen2.5-VL README (absolute, after resizing) and Qwen3-VL model card and cookbook (relative, 0–1000);
 *   Alibaba Model Studio "GUI-Plus" (resolution 1000x1000).
 * - GLM-4.1V/4.5V model cards (boxes in thousandths).
 */
const PROFILES: ReadonlyArray<Readonly<{ model: RegExp; profile: ModelProfile }>> = [
  {
    model: /^anthropic\/.*claude-(?:(?:opus|sonnet|haiku|fable)-5|opus-4-8)/,
    profile: { ...ANTHROPIC, grammar: 'anthropic_computer', tool: 'computer_toolset_20260801' },
  },
  {
    model: /^anthropic\/.*claude-(?:opus-4-[567]|sonnet-4-6)/,
    profile: { ...ANTHROPIC, grammar: 'anthropic_computer', tool: 'computer_20251124' },
  },
  {
    model: /^anthropic\/.*claude-(?:(?:opus|sonnet)-4|haiku-4-5|3-7-sonnet)/,
    profile: { ...ANTHROPIC, grammar: 'anthropic_computer', tool: 'computer_20250124' },
  },
  { model: /^anthropic\//, profile: { ...ANTHROPIC, maxOutputTokens: 4096 } },
  {
    model: /^openai\/gpt-(?:5\.[4-9]|[6-9])/,
    // Its docs show screenshots as PNG and say nothing of other kinds.
    profile: { ...FUNCTIONS, grammar: 'openai_computer' },
  },
  { model: /^openai\/(?:gpt-4|chatgpt)/, profile: { ...CLOUD, maxOutputTokens: 4096 } },
  { model: /^openai\//, profile: CLOUD },
  { model: /^google\//, profile: { ...CLOUD, space: 'thousandths' } },
  { model: /gemini/, profile: { ...LOCAL, space: 'thousandths' } },
  {
    model: /ui-?tars-?1[.-]5(?!.*doubao)/,
    profile: { ...UI_TARS, space: 'resized', resize: UI_TARS_RESIZE },
  },
  { model: /ui-?tars/, profile: { ...UI_TARS, space: 'thousandths' } },
  { model: /doubao|gui-plus/, profile: { ...LOCAL, space: 'thousandths' } },
  { model: /qwen-?2[.-]?5-?vl/, profile: { ...LOCAL, space: 'resized', resize: QWEN25_RESIZE } },
  { model: /qwen-?3(?:\.\d+)?-?vl|qwen-?3\.[5-9]/, profile: { ...LOCAL, space: 'thousandths' } },
  { model: /glm-?4\.\d+v/, profile: { ...LOCAL, space: 'thousandths' } },
];

/** @param name `provider/model`. */
export function profileOf(name: string): ModelProfile {
  const lowered = name.toLowerCase();
  return PROFILES.find(({ model }) => model.test(lowered))?.profile ?? LOCAL;
}

/**
 * The longest side to ask a screenshot for, so that the provider sends it on as it is.
 * @param size the picture's present size, pixels; only its proportions count.
 */
export function longestSideFor(
  { image }: ModelProfile,
  size: Readonly<{ width: number; height: number }>,
): number {
  const longest = Math.max(size.width, size.height);
  const bySide = image.maxSidePx;
  const byPixels = Math.sqrt((image.maxPixels * longest * longest) / (size.width * size.height));
  return Math.floor(Math.min(bySide, byPixels));
}
