import type { LiveError, ResultLink } from "@spark/live-core";
import { useLiveClient } from "@spark/live-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { BusyButton } from "../../components/BusyButton";
import { ErrorNote } from "../../components/ErrorNote";
import { DownloadIcon } from "../../components/icons";
import { formatBytes } from "../../lib/format";
import classes from "./DownloadButton.module.css";

/** Downloads the whole result by a link that is asked for each time, since links end. */
export function DownloadButton({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const client = useLiveClient();
  const [isBusy, setBusy] = useState(false);
  const [link, setLink] = useState<ResultLink | null>(null);
  const [error, setError] = useState<LiveError | null>(null);
  const download = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const found = await client.job(jobId).downloadLink();
      setLink(found);
      const anchor = document.createElement("a");
      anchor.href = found.url;
      anchor.download = found.filename;
      anchor.click();
    } catch (thrown) {
      setError(thrown as LiveError);
    }
    setBusy(false);
  };
  return (
    <>
      <BusyButton
        size="sm"
        leftSection={<DownloadIcon />}
        isBusy={isBusy}
        onClick={() => void download()}
        data-testid="download"
      >
        {t("download.button")}
      </BusyButton>
      {link && (
        <p className={classes.about} role="status" data-testid="download-about">
          {t("download.about", { size: formatBytes(link.bytes), hash: link.blobSha256 })}
        </p>
      )}
      {error && (
        <div className={classes.error}>
          <ErrorNote error={error} onRetry={() => void download()} />
        </div>
      )}
    </>
  );
}
