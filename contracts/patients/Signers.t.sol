// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Signers} from "./Signers.sol";

/// @dev Says yes to every signature, as ERC-1271 asks, and to every call besides.
contract SaysYes {
    fallback() external {
        assembly ("memory-safe") {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 32)
        }
    }
}

contract SignersTest is Deployment {
    function test_aSignerThatIsAContractIsNotAsked() public {
        address yes = address(new SaysYes());
        bytes memory signer = abi.encodePacked(yes);
        vm.expectRevert(refusal(signer));
        patients.lock(HANDLE, 0, signer, sign(STRANGER_KEY, lockDigest(HANDLE, 0)));
        vm.expectRevert(refusal(signer));
        patients.lock(HANDLE, 0, signer, "");
        vm.expectRevert(refusal(signer));
        patients.lock(HANDLE, 0, signer, new bytes(65));
    }

    function test_anAccountWithCodeSignsByItsKeyOrNotAtAll() public {
        // As EIP-7702 puts code at an account that has a key.
        vm.etch(vm.addr(PATIENT_KEY), address(new SaysYes()).code);
        bytes memory signer = signerOf(PATIENT_KEY);
        bytes memory foreign = sign(STRANGER_KEY, lockDigest(HANDLE, 0));
        vm.expectRevert(refusal(signer));
        patients.lock(HANDLE, 0, signer, foreign);
        lockHandle(HANDLE, 0);
        vm.assertEq(epochOf(HANDLE), 1, "locked");
    }

    function test_aSignatureHasOneFormOnly() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PATIENT_KEY, lockDigest(HANDLE, 0));
        bytes[5] memory twins = [
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s, v, uint8(0)),
            abi.encodePacked(r, s),
            // EIP-2098: the parity in the top bit of s.
            abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255))),
            abi.encodePacked(r, s, v == 27 ? uint8(28) : uint8(27))
        ];
        bytes memory signer = signerOf(PATIENT_KEY);
        for (uint256 i = 0; i < twins.length; ++i) {
            vm.expectRevert(refusal(signer));
            patients.lock(HANDLE, 0, signer, twins[i]);
        }
        lockHandle(HANDLE, 0);
    }

    function test_aSignatureThatRecoversNobodyIsNotTheZeroAccounts() public {
        bytes memory signer = abi.encodePacked(address(0));
        vm.expectRevert(refusal(signer));
        patients.lock(HANDLE, 0, signer, abi.encodePacked(uint256(0), uint256(0), uint8(27)));
        vm.expectRevert(refusal(signer));
        patients.lock(HANDLE, 0, signer, abi.encodePacked(uint256(1), uint256(1), uint8(29)));
    }

    function refusal(bytes memory signer) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            Signers.SignerBadSignature.selector, keccak256(signer), lockDigest(HANDLE, 0)
        );
    }
}
