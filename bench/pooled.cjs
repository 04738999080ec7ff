// nodemailer's pool, over the same number of connections: the usual sender of programs in Node. Prints what bench/processes.py reads.
const fs = require("fs");
const path = require("path");
const nodemailer = require("nodemailer");

const [port, messages, connections] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5];
const read = (name) => fs.readFileSync(path.join(folder, name), "utf8");
const [text, html] = [read("message.txt"), read("message.html")];

function personal(template, number) {
  const link = `https://news.example.org/unsubscribe/${String(number).padStart(64, "0")}`;
  return template.replaceAll("{link}", link).replaceAll("{name}", "Ada");
}

async function main() {
  const pool = nodemailer.createTransport({
    pool: true,
    host: "127.0.0.1",
    port,
    ignoreTLS: true,
    maxConnections: connections,
    maxMessages: Infinity,
  });
  let next = 0;
  async function lane() {
    while (next < messages) {
      const number = next++;
      await pool.sendMail({
        from: "memo@ledger.example.org",
        to: `reader${number}@example.org`,
        subject: "Morning Memo",
        text: personal(text, number),
        html: personal(html, number),
        list: { unsubscribe: { url: `https://news.example.org/unsubscribe/${number}` } },
      });
    }
  }
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: connections }, lane));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  pool.close();
  const used = process.cpuUsage();
  const peak = /VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1] / 1024;
  console.log(JSON.stringify({ messages, seconds, cpu_seconds: (used.user + used.system) / 1e6, peak_memory_mb: peak }));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
