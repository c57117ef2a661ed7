import { Loader } from "@mantine/core";
import type { LiveError } from "@spark/live-core";
import { AlertIcon, EmptyIcon } from "../components/icons";
import { Notice } from "../components/Notice";
import { Panel } from "../components/Panel";
import classes from "./EmptyPages.module.css";

/** The gateway answers and serves nothing: words for whoever runs it. */
export function NoSymbols() {
  return (
    <Panel labelledBy="no-symbols" className={classes.whole}>
      <h2 id="no-symbols" className={classes.hidden}>
        Market
      </h2>
      <Notice icon={<EmptyIcon />} title="This gateway serves no symbols">
        If you run it: <code>SPARK_DATA_DIR</code> points at a folder without a usable file. Put CSV files
        with the columns <code>Date,Open,High,Low,Close,Volume</code> there, each named by its symbol, such as{" "}
        <code>AAPL.csv</code>, and start it again. Its log names every row that it could not use.
      </Notice>
    </Panel>
  );
}

/** The list of symbols cannot be had; the client keeps asking. */
export function NoGateway({ error }: { error: LiveError | null }) {
  return (
    <Panel labelledBy="no-gateway" className={classes.whole}>
      <h2 id="no-gateway" className={classes.hidden}>
        Market
      </h2>
      <Notice icon={<AlertIcon />} title="The gateway does not answer" urgent>
        The page goes on asking and comes up by itself when it does.
        <span className={classes.foot}>
          <Loader size="xs" type="dots" color="var(--text-faint)" aria-hidden="true" />
          {error && <code>{error.code}</code>}
        </span>
      </Notice>
    </Panel>
  );
}
