/** Version of the link and of the local sockets. Raised when an old peer could misread a new one. */
export const PROTOCOL_VERSION = 1;
/** Versions this build can speak, newest first. */
export const SUPPORTED_PROTOCOL_VERSIONS: readonly number[] = [1];
/** Version of the product, as sent in hello messages and served by /v1/health. */
export const PRODUCT_VERSION = '0.1.0';
