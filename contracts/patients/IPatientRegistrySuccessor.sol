// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";

/// @title Patients' handles and who signs for them, taken over from an earlier contract
/// @notice Does all that the patient registry does, on top of what its predecessor holds.
///
/// A handle is what it is at the predecessor, at every block anew, part by part until a part is written here. Lock, epoch and
/// break-glass switch are written by the first of their acts that is sent here; a delegate's rights by the first act about
/// them; owner, recovery and generation by the first step of a recovery. A handle that is bound here is this contract's alone.
///
/// What is written the predecessor only narrows, and in the same block. A higher epoch there locks the handle here. A
/// higher version of the switch there switches break-glass off where it is off there, and never on. A higher version of a
/// delegation there ends it here. Once recoveries are led here, a later one there takes nothing over: while it is
/// pending, and once it was completed, nothing widens here until one is completed here, and what it suspended is
/// suspended here.
///
/// What narrows (lock, end of a delegation, switching break-glass off) counts as well where it was signed for a
/// predecessor: the calldata is the same. What widens, and a veto, counts only where it was signed for this contract.
///
/// A recovery that is pending at the predecessor goes on: it is vetoed, taken back or completed there, or here, where the
/// first such step makes it this contract's. A recovery that is completed here ends every right that was given at the
/// predecessor.
///
/// Example: a handle is at epoch 0 at the predecessor. `Lock(handle, 0)`, signed for either, sent here: epoch 1, locked,
/// written. A lock up to epoch 1 at the predecessor makes it epoch 2 there, and here at once.
interface IPatientRegistrySuccessor is IPatientRegistry, ILine {
    /// @notice Which parts of a handle are this contract's; the others are the predecessor's.
    /// @return word Lock, epoch and break-glass switch.
    /// @return owner Owner, recovery and generation.
    function takenOver(bytes32 handle) external view returns (bool word, bool owner);
}
