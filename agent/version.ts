/** As in package.json, which is no part of the image; a test holds the two equal. */
export const agentVersion = '0.1.0';
