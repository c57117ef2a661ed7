import { Button } from "@mantine/core";
import type { JobProgress } from "@spark/live-core";
import { useLiveClient } from "@spark/live-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

/** Asks for a backtest to end. A running one ends soon after. */
export function CancelButton({ job, size = "sm" }: { job: JobProgress; size?: string }) {
  const { t } = useTranslation("backtests");
  const client = useLiveClient();
  const [isAsking, setAsking] = useState(false);
  const isEnding = isAsking || job.cancelRequested;
  const cancel = async (): Promise<void> => {
    setAsking(true);
    // One that has ended meanwhile tells so itself; after a failure it can be asked again.
    await client
      .job(job.jobId)
      .cancel()
      .catch(() => setAsking(false));
  };
  return (
    <Button
      variant="default"
      size={size}
      // It keeps the focus until the backtest has ended.
      data-disabled={isEnding}
      aria-disabled={isEnding}
      onClick={isEnding ? undefined : () => void cancel()}
      data-testid="cancel"
    >
      {isEnding ? t("cancelling") : t("cancel")}
    </Button>
  );
}
