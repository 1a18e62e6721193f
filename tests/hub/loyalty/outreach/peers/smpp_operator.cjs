// An operator that speaks SMPP, for tests: `node smpp_operator.cjs <node_modules> <port> [plain]`.
// What becomes of a message is in the last two digits of the number it goes to (`plain`: every one
// is delivered); each packet that came is told on a line of JSON. Lines on the standard input speak:
// {"from", "text"} is an answer of a member; {"receipts": true} sends what was held back, the last
// first.
const path = require("node:path");
const smpp = require(path.join(process.argv[2], "smpp"));

const STATES = { 1: "UNDELIV", 2: "EXPIRED", 3: "REJECTD", 4: "ENROUTE" };
const NUMBERS = { ENROUTE: 1, DELIVRD: 2, EXPIRED: 3, UNDELIV: 5, REJECTD: 8 };
let sessions = [];
let held = [];
let next = 1;
let throttled = new Set();
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

function receipt(session, id, to, state, fast) {
  const text =
    `id:${id} sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 ` +
    `stat:${state} err:0A1 text:`;
  const tell = () =>
    session.deliver_sm(
      { source_addr: to, source_addr_ton: 1, destination_addr: "36105", esm_class: 4, short_message: text,
        receipted_message_id: id, message_state: NUMBERS[state] },
      (pdu) => say({ receipt: id, answered: pdu.command_status }),
    );
  return fast ? tell() : held.push(tell);
}

function submitted(session, pdu) {
  const to = pdu.destination_addr;
  const end = process.argv[4] ? 0 : Number(to.slice(-2));
  const message = pdu.short_message;
  const udh = message.udh && message.udh.length ? Buffer.concat([].concat(message.udh)).toString("hex") : "";
  const answer = (fields) => session.send(pdu.response(fields));
  if (end === 58 && !throttled.has(to)) {
    throttled.add(to);
    return answer({ command_status: smpp.ESME_RTHROTTLED });
  }
  if (end === 11) return answer({ command_status: smpp.ESME_RINVDSTADR });
  const id = `op-${next++}`;
  say({ to, from: pdu.source_addr, ton: pdu.source_addr_ton, coding: pdu.data_coding, udh, text: message.message, id,
        validity: String(pdu.validity_period), wants: pdu.registered_delivery });
  if (end === 90) return session.destroy(); // took it, and never says so
  answer({ message_id: id });
  if (pdu.registered_delivery) receipt(session, id, to, STATES[end] || "DELIVRD", end !== 70);
}

const server = smpp.createServer((session) => {
  session.on("error", () => {});
  session.on("close", () => (sessions = sessions.filter((one) => one !== session)));
  session.on("bind_transceiver", (pdu) => {
    if (pdu.password !== "s3cret") {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      return session.close();
    }
    sessions.push(session);
    session.send(pdu.response());
  });
  session.on("submit_sm", (pdu) => submitted(session, pdu));
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
});
server.listen(Number(process.argv[3]), "127.0.0.1");

require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    if (order.receipts) {
      held.reverse().forEach((tell) => tell());
      held = [];
    } else {
      const coded = order.raw && { data_coding: order.coding, short_message: Buffer.from(order.raw, "hex") };
      sessions.at(-1).deliver_sm(
        { source_addr: order.from, source_addr_ton: 1, destination_addr: "36105",
          short_message: order.text, ...coded },
        (pdu) => say({ heard: order.text, answered: pdu.command_status }),
      );
    }
  });
