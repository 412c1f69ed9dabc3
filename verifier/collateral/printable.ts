/** An address as caches, exports and bundles may have it: others read them, and a mirror's address may hold a password. */
export function printableAddress(address: string): string {
  const url = URL.parse(address);
  if (url !== null) {
    url.username = '';
    url.password = '';
  }
  return (url?.href ?? address).replace(/[^\x20-\x7e]/g, '?').slice(0, 2048);
}
