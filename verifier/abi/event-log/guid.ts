/** GUIDs as firmware writes them (UEFI 2.10, appendix A), and the names of those that logs are full of. */
import { type Bytes, toHex } from '../../bytes.ts';

/** @param bytes 16 of them, mixed-endian */
export function guidOf(bytes: Bytes): string {
  const part = (from: number, to: number, reversed: boolean) => {
    const piece = bytes.slice(from, to);
    return toHex(reversed ? piece.reverse() : piece);
  };
  return [
    part(0, 4, true),
    part(4, 6, true),
    part(6, 8, true),
    part(8, 10, false),
    part(10, 16, false),
  ].join('-');
}

const names: Readonly<Record<string, string>> = {
  '8be4df61-93ca-11d2-aa0d-00e098032b8c': 'EFI global variable',
  'd719b2cb-3d3a-4596-a3bc-dad00e67656f': 'image security database',
  '605dab50-e046-4300-abb6-3dd810dd8b23': 'shim',
  '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f': 'systemd loader',
  '77fa9abd-0359-4d32-bd60-28f4e78f784b': 'Microsoft',
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'EFI system partition',
  '21686148-6449-6e6f-744e-656564454649': 'BIOS boot',
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'Linux data',
  'bc13c2ff-59e6-4262-a352-b275fd6f7172': 'Linux extended boot',
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': 'Linux root, x86-64',
  '2c7357ed-ebd2-46d9-aec1-23d437ec2bf5': 'Linux root verity, x86-64',
  '8484680c-9521-48c6-9c11-b0720656f69e': 'Linux usr, x86-64',
  'fe3a2a5d-4f32-41a7-b725-accc3285a309': 'ChromeOS kernel',
  '3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec': 'ChromeOS root',
  'cab6e88e-abf3-4102-a07a-d4bb9be3c1d3': 'ChromeOS firmware',
  '2e0a753d-9e48-43b0-8337-b15192cb1b5e': 'ChromeOS reserved',
  'e3c9e316-0b5c-4db8-817d-f92df00215ae': 'Microsoft reserved',
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7': 'basic data',
};

/** The name where it has one, else the GUID. */
export function guidName(guid: string): string {
  return names[guid] ?? guid;
}
