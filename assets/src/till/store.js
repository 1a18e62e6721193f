// IndexedDB of this device: what waits to be sent, the key that seals it, and the till's own state
// (shop, sellers, rules), so that the page opens without a network. Never what a look-up answered.
const NAME = "chaland-till";

let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("queue", { keyPath: "key" });
      request.result.createObjectStore("kept");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** Run one request; resolves once it is on disk, not only asked for. */
async function run(store, mode, ask) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const request = ask(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

export const queue = {
  put: (item) => run("queue", "readwrite", (store) => store.put(item)),
  get: (key) => run("queue", "readonly", (store) => store.get(key)),
  all: () => run("queue", "readonly", (store) => store.getAll()),
  remove: (key) => run("queue", "readwrite", (store) => store.delete(key)),
};

export const kept = {
  get: (name) => run("kept", "readonly", (store) => store.get(name)),
  put: (name, value) => run("kept", "readwrite", (store) => store.put(value, name)),
  remove: (name) => run("kept", "readwrite", (store) => store.delete(name)),
};

/** Add unless another tab did so first, and return what is there. */
export async function keepFirst(name, value) {
  try {
    await run("kept", "readwrite", (store) => store.add(value, name));
  } catch (error) {
    if (error?.name !== "ConstraintError") throw error;
  }
  return kept.get(name);
}
