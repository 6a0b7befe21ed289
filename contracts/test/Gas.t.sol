// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Objection, Revocation} from "../consent/ConsentTypes.sol";
import {Acts} from "./Acts.t.sol";
import {vm} from "./Vm.t.sol";

/// @title What each act costs, whole transactions, committed under `snapshots/`
contract GasTest is Acts {
    bytes32 private constant ROOT = keccak256("a root");

    function test_consentActs() public {
        send(nextGrant(HANDLE, SCOPE));
        vm.snapshotGasLastCall("consent", "grant, first in its slot");
        send(nextGrant(HANDLE, SCOPE));
        vm.snapshotGasLastCall("consent", "grant, again");
        send(Revocation(HANDLE, SCOPE, 2));
        vm.snapshotGasLastCall("consent", "revocation");
        send(Revocation(HANDLE, SCOPE, 2));
        vm.snapshotGasLastCall("consent", "revocation that changes nothing");
        send(Objection(HANDLE, SCOPE, TERMS, 3));
        vm.snapshotGasLastCall("consent", "objection");
        send(nextWithdrawal(HANDLE, SCOPE));
        vm.snapshotGasLastCall("consent", "withdrawal");
    }

    function test_patientActs() public {
        bindHandle(keccak256("another"));
        vm.snapshotGasLastCall("patients", "binding");
        lockHandle(HANDLE, 0);
        vm.snapshotGasLastCall("patients", "lock, first");
        lockHandle(HANDLE, 1);
        vm.snapshotGasLastCall("patients", "lock, again");
        unlockHandle(HANDLE, 2);
        vm.snapshotGasLastCall("patients", "unlocking");
    }

    function test_registering() public {
        register(1);
        vm.snapshotGasLastCall("records", "one pointer");
        register(100);
        vm.snapshotGasLastCall("records", "100 pointers");
        register(200);
        vm.snapshotGasLastCall("records", "200 pointers");
    }

    function test_anchoring() public {
        vm.prank(OPERATOR_A);
        accessLog.anchor(1, uint64(NOW), ROOT);
        vm.snapshotGasLastCall("access", "window, first");
        vm.prank(OPERATOR_A);
        accessLog.anchor(2, uint64(NOW) + 30, ROOT);
        vm.snapshotGasLastCall("access", "window");
    }

    function test_reading() public {
        send(nextGrant(HANDLE, SCOPE));
        consents.read(HANDLE, new bytes32[](16), HOSPITAL_B, new bytes32[](4));
        vm.snapshotGasLastCall("consent", "reading 16 scopes and 4 groups");
    }

    function register(uint256 count) private {
        bytes32[] memory tags = new bytes32[](count);
        bytes32[] memory commitments = new bytes32[](count);
        bytes memory pointers = new bytes(count * 160);
        for (uint256 i = 0; i < count; ++i) {
            tags[i] = keccak256(abi.encode("tag", count, i));
            commitments[i] = keccak256(abi.encode("commitment", count, i));
        }
        // Sealed bytes have hardly a zero among them.
        for (uint256 i = 0; i < pointers.length; ++i) pointers[i] = 0xA5;
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
    }
}
