import backtests from "./backtests";
import common from "./common";
import copilot from "./copilot";
import errors from "./errors";
import market from "./market";
import proposal from "./proposal";
import status from "./status";

export default { common, market, status, backtests, copilot, errors, proposal };
