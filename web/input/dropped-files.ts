/** What was dropped, with the files of folders in it. */
import { maxFiles } from './read-files.ts';

/** Files of a drop, and of the folders in it. Entries are only there during the event: they are taken before the first wait. */
export async function droppedFiles(data: DataTransfer): Promise<File[]> {
  const entries = [...data.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (!entries.some((entry) => entry.isDirectory)) return [...data.files];
  const found: File[] = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry: FileSystemEntry, found: File[]): Promise<void> {
  // One more than is taken, so that the rest is spoken of.
  if (found.length > maxFiles) return;
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) =>
      (entry as FileSystemFileEntry).file(resolve, () => resolve(null)),
    );
    if (file !== null) found.push(file);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const next = () =>
    new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
  // A browser hands over a hundred at a time.
  for (let some = await next(); some.length > 0; some = await next()) {
    for (const one of some) await collect(one, found);
  }
}
